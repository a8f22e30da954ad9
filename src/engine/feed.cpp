// SPDX-License-Identifier: Apache-2.0
#include "engine/feed.hpp"

#include <algorithm>
#include <limits>

#include "engine/collective.hpp"
#include "engine/workers.hpp"

namespace tessera {
namespace {

/// Rows are read in blocks of about this size.
constexpr std::int64_t block_bytes = 1 << 22;

/// `rows` in at most `count` panels, and of each panel the rows of each rank.
std::vector<std::vector<Interval>> split_panels(const Interval& rows, std::int64_t count, int ranks,
                                                std::int64_t align) {
  // Whole pieces for every rank, so that all get as much.
  const std::int64_t share = align * ranks;
  const std::int64_t max_panels = std::max<std::int64_t>(1, rows.size() / share);
  std::vector<std::vector<Interval>> result;
  for (const Interval& panel :
       split_rows(rows.size(), static_cast<int>(std::min(count, max_panels)), share)) {
    std::vector<Interval>& bands = result.emplace_back(split_rows(panel.size(), ranks, align));
    for (Interval& band : bands) {
      band = {band.begin + panel.begin + rows.begin, band.end + panel.begin + rows.begin};
    }
  }
  return result;
}

}  // namespace

Interval spanned_rows(const std::vector<Interval>& needs) {
  Interval all{std::numeric_limits<std::int64_t>::max(), 0};
  for (const Interval& rows : needs) {
    if (!rows.empty()) {
      all = {std::min(all.begin, rows.begin), std::max(all.end, rows.end)};
    }
  }
  return all;
}

Feeder::Feeder(Source* source, const ImageInfo& info, PanelNeeds needs, Communicator& comm,
               std::stop_token stop)
    : source_(source), info_(info), needs_(std::move(needs)), comm_(comm), stop_(std::move(stop)) {}

/// Root only: reads on to the end of `wanted`, block by block; keeps none that is above it.
void Feeder::read_up_to(const Interval& wanted) {
  const std::int64_t block_rows = std::max<std::int64_t>(1, block_bytes / info_.row_bytes());
  while (read_to_ < wanted.end) {
    throw_if_stopped(stop_);
    const Interval rows{read_to_, std::min(info_.extent.height, read_to_ + block_rows)};
    Tile block = Tile::allocate(Rect::of_rows(rows, info_.extent.width), info_.format);
    source_->read_rows(block);
    read_to_ = rows.end;
    if (rows.end > wanted.begin) {
      blocks_.push_back(std::move(block));
    }
  }
}

/// Always on a thread of its own: malloc does not reuse what one thread has freed in another (they have arenas of their
/// own), so the first panel's blocks would be held twice.
void Feeder::read_ahead(const std::vector<Interval>& needs) {
  ahead_ = std::async(std::launch::async, [this, rows = spanned_rows(needs)] { read_up_to(rows); });
}

Tile Feeder::assemble(const Interval& rows) const {
  Tile tile = Tile::allocate(Rect::of_rows(rows, info_.extent.width), info_.format);
  for (const Tile& block : blocks_) {
    copy_overlap(block, tile);
  }
  return tile;
}

/// Root only: what each rank needs, copied out of the blocks.
std::vector<Tile> Feeder::tiles_for(const std::vector<Interval>& needs) {
  if (!ahead_.valid()) {
    read_ahead(needs);
  }
  ahead_.get();
  std::vector<Tile> tiles;
  tiles.reserve(needs.size());
  for (const Interval& rows : needs) {
    tiles.push_back(rows.empty() ? Tile{} : assemble(rows));
  }
  return tiles;
}

Tile Feeder::next_panel() {
  const std::vector<Interval>& needs = needs_[panel_++];
  const Interval& rows = needs[static_cast<std::size_t>(comm_.rank())];
  Tile mine;
  std::vector<Tile> tiles;
  // All that can fail comes first, and the ranks agree on it: nobody waits for rows that do not come.
  collective_pixel_work(comm_, [&] {
    if (comm_.root()) {
      tiles = tiles_for(needs);
      mine = tiles.front();
    } else if (!rows.empty()) {
      mine = Tile::allocate(Rect::of_rows(rows, info_.extent.width), info_.format);
    }
  });
  std::vector<std::unique_ptr<Transfer>> transfers;
  for (int rank = 1; rank < static_cast<int>(tiles.size()); ++rank) {
    const Interval& theirs = needs[static_cast<std::size_t>(rank)];
    if (!theirs.empty()) {
      for (auto& transfer : send_tile(comm_, tiles[static_cast<std::size_t>(rank)], rank)) {
        transfers.push_back(std::move(transfer));
      }
    }
  }
  for (const auto& transfer : transfers) {
    transfer->wait();
  }
  if (!comm_.root() && !rows.empty()) {
    receive_tile(comm_, mine, 0);
  }
  if (comm_.root() && panel_ < needs_.size()) {
    const Interval next = spanned_rows(needs_[panel_]);
    while (!blocks_.empty() && blocks_.front().rect.rows().end <= next.begin) {
      blocks_.pop_front();
    }
    read_ahead(needs_[panel_]);
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
    const Interval all = spanned_rows(mine);
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

Panels plan_panels(const Stage& stage, std::int64_t align, const PanelOptions& options) {
  const Interval rows{options.first_row, stage.out.extent.height};
  std::int64_t count = 1;
  if (options.ranks > 1 && (options.encodes || options.root_feeds)) {
    std::int64_t most = options.max_held_bytes / 4;
    if (options.max_bytes > 0) {
      most = std::min(most, options.max_bytes);
    }
    if (options.root_feeds) {
      // The root holds every rank's rows, of the panel at hand and of the next.
      const std::int64_t max_fed = std::min({most, fed_bytes, options.max_held_bytes / (2 * options.ranks)});
      count += (stage.in.bytes() + stage.out.bytes()) / options.ranks / std::max<std::int64_t>(1, max_fed);
    } else {
      // Only what is encoded is held. The threads' strips take more than what is encoded of them.
      count += std::min(stage.out.bytes() / options.ranks / std::max<std::int64_t>(1, most),
                        rows.size() / (options.ranks * options.busy_rows));
    }
  }
  Panels result{split_panels(rows, count, options.ranks, align), std::nullopt};
  if (options.root_feeds) {
    result.fed = panel_needs(stage.chain, stage.in, result.rows);
    if (!result.fed && !options.encodes) {
      result.rows = split_panels(rows, 1, options.ranks, align);
    }
  }
  return result;
}

}  // namespace tessera
