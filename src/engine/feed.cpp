#include "engine/feed.hpp"

#include <algorithm>
#include <limits>

#include "engine/workers.hpp"

namespace tessera {
namespace {

/// Rows are read in blocks of about this size.
constexpr std::int64_t block_bytes = 1 << 22;

/// The rows from the first that any rank needs to the last; an end of 0 if none needs any.
Interval spanned(const std::vector<Interval>& needs) {
  Interval all{std::numeric_limits<std::int64_t>::max(), 0};
  for (const Interval& rows : needs) {
    if (!rows.empty()) {
      all = {std::min(all.begin, rows.begin), std::max(all.end, rows.end)};
    }
  }
  return all;
}

}  // namespace

Feeder::Feeder(Source* source, const ImageInfo& info, PanelNeeds needs, Communicator& comm,
               std::stop_token stop)
    : source_(source), info_(info), needs_(std::move(needs)), comm_(comm), stop_(std::move(stop)) {}

/// Root only: reads on, block by block.
void Feeder::read_up_to(std::int64_t row) {
  const std::int64_t block_rows = std::max<std::int64_t>(1, block_bytes / info_.row_bytes());
  while (read_to_ < row) {
    throw_if_stopped(stop_);
    const Interval rows{read_to_, std::min(info_.extent.height, read_to_ + block_rows)};
    Tile block = Tile::allocate(Rect::of_rows(rows, info_.extent.width), info_.format);
    source_->read_rows(block);
    blocks_.push_back(std::move(block));
    read_to_ = rows.end;
  }
}

Tile Feeder::assemble(const Interval& rows) const {
  Tile tile = Tile::allocate(Rect::of_rows(rows, info_.extent.width), info_.format);
  for (const Tile& block : blocks_) {
    copy_overlap(block, tile);
  }
  return tile;
}

void Feeder::send_all(const std::vector<Interval>& needs, Tile& mine) {
  // Ranks wait for their rows, so they are sent whatever happened; then all agree that it failed.
  std::exception_ptr failure;
  try {
    if (ahead_.valid()) {
      ahead_.get();
    }
    read_up_to(spanned(needs).end);
  } catch (...) {
    failure = std::current_exception();
  }
  std::vector<Tile> tiles;
  std::vector<std::unique_ptr<Transfer>> transfers;
  tiles.reserve(needs.size());
  for (int rank = 0; rank < comm_.size(); ++rank) {
    const Interval& rows = needs[static_cast<std::size_t>(rank)];
    if (rows.empty()) {
      continue;
    }
    Tile tile = assemble(rows);
    if (rank == comm_.rank()) {
      mine = std::move(tile);
      continue;
    }
    tiles.push_back(std::move(tile));
    for (auto& transfer : send_tile(comm_, tiles.back(), rank)) {
      transfers.push_back(std::move(transfer));
    }
    sent_bytes_ += rows.size() * info_.row_bytes();
  }
  for (const auto& transfer : transfers) {
    transfer->wait();
  }
  if (failure) {
    std::rethrow_exception(failure);
  }
}

Tile Feeder::next_panel() {
  const std::vector<Interval>& needs = needs_[panel_++];
  Tile mine;
  together(comm_, [&] {
    const Interval& rows = needs[static_cast<std::size_t>(comm_.rank())];
    if (comm_.root()) {
      send_all(needs, mine);
    } else if (!rows.empty()) {
      mine = Tile::allocate(Rect::of_rows(rows, info_.extent.width), info_.format);
      receive_tile(comm_, mine, 0);
      received_bytes_ += rows.size() * info_.row_bytes();
    }
  });
  if (comm_.root() && panel_ < needs_.size()) {
    const Interval next = spanned(needs_[panel_]);
    while (!blocks_.empty() && blocks_.front().rect.rows().end <= next.begin) {
      blocks_.pop_front();
    }
    ahead_ = std::async(std::launch::async, [this, end = next.end] { read_up_to(end); });
  }
  return mine;
}

std::optional<PanelNeeds> panel_needs(const std::vector<ChainLink>& chain, const ImageInfo& in,
                                      const std::vector<std::vector<Interval>>& panels) {
  PanelNeeds needs;
  Interval before{0, 0};
  for (const std::vector<Interval>& ranks : panels) {
    std::vector<Interval>& mine = needs.emplace_back();
    for (const Interval& rows : ranks) {
      if (rows.empty()) {
        mine.push_back({});
        continue;
      }
      const Rect input = strip_needs(chain, in, rows).input;
      if (input.x != 0 || input.width != in.extent.width || input.y < 0 ||
          input.y + input.height > in.extent.height) {
        return std::nullopt;
      }
      mine.push_back(input.rows());
    }
    const Interval all = spanned(mine);
    if (all.empty()) {
      continue;
    }
    if (all.begin < before.begin || all.end < before.end) {
      return std::nullopt;
    }
    before = all;
  }
  return needs;
}

}  // namespace tessera
