// SPDX-License-Identifier: Apache-2.0
#include "engine/result_route.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <set>
#include <utility>

namespace tessera {
namespace {

constexpr int piece_tag = 3;
constexpr std::uint64_t failed = ~std::uint64_t{0};

/// A piece in a message: both sizes, the index, and the body unless its maker writes it.
using PieceSizes = std::array<std::uint64_t, 2>;

void append_bytes(Bytes& to, const void* data, std::size_t size) {
  const auto* const begin = static_cast<const std::byte*>(data);
  to.insert(to.end(), begin, begin + size);
}

Bytes make_message(const std::vector<EncodedPiece>& pieces, bool with_bodies) {
  std::size_t size = 0;
  for (const EncodedPiece& piece : pieces) {
    size += sizeof(PieceSizes) + piece.index.size() + (with_bodies ? piece.body.size() : 0);
  }
  Bytes message;
  message.reserve(size);
  for (const EncodedPiece& piece : pieces) {
    const PieceSizes sizes{piece.index.size(), piece.body.size()};
    append_bytes(message, sizes.data(), sizeof sizes);
    append_bytes(message, piece.index.data(), piece.index.size());
    if (with_bodies) {
      append_bytes(message, piece.body.data(), piece.body.size());
    }
  }
  return message;
}

std::int64_t body_bytes(const std::vector<EncodedPiece>& pieces) {
  std::int64_t sum = 0;
  for (const EncodedPiece& piece : pieces) {
    sum += static_cast<std::int64_t>(piece.body.size());
  }
  return sum;
}

}  // namespace

ResultRoute::ResultRoute(Sink& sink, Communicator& comm) : sink_(sink), comm_(comm) {
  if (comm.size() == 1) {
    return;
  }
  if (sink.shared() == nullptr) {
    why_gathered_ = "results of this kind are put together by one rank";
    return;
  }
  bool joined = comm.root();
  own_writes_ = join_all(false, joined) || join_all(true, joined);
  if (SharedParts* const parts = sink.shared()->parts(); !own_writes_ && parts != nullptr) {
    parts_.emplace(*parts, comm);
    own_writes_ = true;
  }
  if (!own_writes_) {
    why_gathered_ =
        fmt::format("the result's file cannot be written from {}", locations_without_access(joined));
  }
}

bool ResultRoute::join_all(bool by_name, bool& joined) {
  SharedOutput& shared = *sink_.shared();
  Bytes invitation;
  if (comm_.root()) {
    const std::string text = shared.invite(by_name);
    append_bytes(invitation, text.data(), text.size());
  }
  invitation = broadcast_bytes(comm_, std::move(invitation), 0);
  if (!joined && !invitation.empty()) {
    joined = shared.join({reinterpret_cast<const char*>(invitation.data()), invitation.size()});
  }
  std::uint64_t missing = joined ? 0 : 1;
  comm_.all_reduce(std::span(&missing, 1), Merge::maximum);
  collective_try(comm_, [&] {
    if (comm_.root()) {
      shared.end_invitation();
    }
  });
  return missing == 0;
}

std::string ResultRoute::locations_without_access(bool joined) {
  const std::string mine = joined ? std::string() : comm_.location();
  Bytes bytes;
  append_bytes(bytes, mine.data(), mine.size());
  std::set<std::string> locations;
  for (const Bytes& theirs : all_gather_bytes(comm_, bytes)) {
    if (!theirs.empty()) {
      locations.emplace(reinterpret_cast<const char*>(theirs.data()), theirs.size());
    }
  }
  return fmt::format("{}", fmt::join(locations, ", "));
}

void ResultRoute::append(const EncodedPiece& piece) {
  sink_.append(piece);
  written_bytes_ += static_cast<std::int64_t>(piece.body.size());
  ++pieces_;
  if (!own_writes_) {
    sink_.pieces_written(pieces_);
  }
}

void ResultRoute::skip(std::span<const std::byte> index, std::int64_t body_bytes) {
  sink_.skip(index, body_bytes);
  ++pieces_;
}

void ResultRoute::end_earlier_panels(bool all_written) {
  if (own_writes_ && all_written) {
    sink_.pieces_written(pieces_of_panels_);
  }
}

void ResultRoute::write_own(std::int64_t offset, std::vector<EncodedPiece> pieces) {
  if (writing_.valid()) {
    writing_.get();
  }
  written_bytes_ += body_bytes(pieces);
  all_written_ = false;
  const auto policy = sink_.shared()->takes_long() ? std::launch::async : std::launch::deferred;
  writing_ = std::async(policy, [this, &shared = *sink_.shared(), offset, own = std::move(pieces)]() mutable {
    for (EncodedPiece& piece : own) {
      shared.write_at(offset, piece);
      offset += static_cast<std::int64_t>(piece.body.size());
      piece = {};
    }
    shared.flush();
    all_written_ = true;
  });
  if (policy == std::launch::deferred) {
    writing_.wait();
  }
}

void ResultRoute::distribute(const std::vector<std::int64_t>& ends, std::vector<EncodedPiece> mine) {
  written_bytes_ += body_bytes(mine);
  parts_->distribute(ends, mine);
}

void ResultRoute::complete_own() {
  if (parts_) {
    parts_->complete();
    return;
  }
  if (writing_.valid()) {
    writing_.get();
  }
}

PanelRoute::PanelRoute(const StripContext& strips, ResultRoute& result, Communicator& comm)
    : strips_(strips),
      result_(result),
      comm_(comm),
      order_([this](Pieces pieces) { take(std::move(pieces)); },
             strips_ahead(strips.options.threads, strips.strip_rows * strips.stage.out.row_bytes())) {}

void PanelRoute::put(std::int64_t index, const Tile& strip) {
  const Sink& sink = result_.sink();
  const std::int64_t piece_rows = sink.piece_rows();
  Pieces pieces;
  for (std::int64_t y = strip.rect.y; y < strip.rect.y + strip.rect.height; y += piece_rows) {
    const std::int64_t end = std::min(strip.rect.y + strip.rect.height, y + piece_rows);
    pieces.push_back(sink.encode(strip.view(Rect::of_rows({y, end}, strip.rect.width))));
  }
  order_.put(index, std::move(pieces));
}

void PanelRoute::take(Pieces pieces) {
  if (!comm_.root()) {
    std::move(pieces.begin(), pieces.end(), std::back_inserter(kept_));
    return;
  }
  for (const EncodedPiece& piece : pieces) {
    result_.append(piece);
  }
}

std::vector<PanelRoute::Share> PanelRoute::agree(const Share& mine) {
  std::vector<Share> shares(static_cast<std::size_t>(comm_.size()));
  comm_.all_gather(std::as_bytes(std::span(&mine, 1)), std::as_writable_bytes(std::span(shares)));
  return shares;
}

void PanelRoute::append_message(std::span<const std::byte> message) {
  while (!message.empty()) {
    PieceSizes sizes{};
    std::memcpy(sizes.data(), message.data(), sizeof sizes);
    message = message.subspan(sizeof sizes);
    const std::span index = message.first(sizes[0]);
    message = message.subspan(sizes[0]);
    if (result_.own_writes()) {
      result_.skip(index, static_cast<std::int64_t>(sizes[1]));
      continue;
    }
    const std::span body = message.first(sizes[1]);
    message = message.subspan(sizes[1]);
    result_.append({Bytes(body.begin(), body.end()), Bytes(index.begin(), index.end())});
  }
}

void PanelRoute::receive_pieces(const std::vector<Share>& shares) {
  // The next rank's pieces are on their way while those of one are appended.
  Bytes coming;
  std::unique_ptr<Transfer> transfer;
  const auto expect = [&](std::size_t from) {
    if (from < shares.size() && shares[from].message_bytes > 0) {
      coming = Bytes(shares[from].message_bytes);
      transfer = comm_.receive(coming, static_cast<int>(from), piece_tag);
    }
  };
  std::exception_ptr failure;
  expect(1);
  for (std::size_t from = 1; from < shares.size(); ++from) {
    Bytes message;
    if (transfer) {
      transfer->wait();
      transfer.reset();
      message = std::exchange(coming, {});
    }
    expect(from + 1);
    if (failure) {
      continue;
    }
    try {
      append_message(message);
    } catch (...) {
      failure = std::current_exception();
    }
  }
  if (failure) {
    std::rethrow_exception(failure);
  }
}

void PanelRoute::finish() {
  Share mine;
  Bytes message;
  if (comm_.root()) {
    mine.body_bytes = result_.own_writes() ? result_.sink().shared()->position() : 0;
  } else {
    message = make_message(kept_, !result_.own_writes());
    mine = {message.size(), body_bytes(kept_), result_.all_written() ? 0U : 1U};
  }
  const std::vector<Share> shares = agree(mine);
  if (std::any_of(shares.begin(), shares.end(),
                  [](const Share& share) { return share.message_bytes == failed; })) {
    return;
  }
  if (result_.in_parts()) {
    finish_in_parts(shares, message);
    return;
  }
  if (comm_.root()) {
    result_.end_earlier_panels(
        std::ranges::all_of(shares, [](const Share& share) { return share.unfinished == 0; }));
    receive_pieces(shares);
    result_.end_panel();
    return;
  }
  if (!message.empty()) {
    comm_.send(message, 0, piece_tag)->wait();
  }
  if (result_.own_writes()) {
    std::int64_t offset = 0;
    for (int rank = 0; rank < comm_.rank(); ++rank) {
      offset += shares[static_cast<std::size_t>(rank)].body_bytes;
    }
    result_.write_own(offset, std::move(kept_));
  }
  kept_.clear();
}

void PanelRoute::finish_in_parts(const std::vector<Share>& shares, const Bytes& message) {
  std::exception_ptr failure;
  if (comm_.root()) {
    try {
      receive_pieces(shares);
    } catch (...) {
      failure = std::current_exception();  // after what the others wait for
    }
  } else if (!message.empty()) {
    comm_.send(message, 0, piece_tag)->wait();
  }
  std::vector<std::int64_t> ends;
  std::int64_t end = 0;
  for (const Share& share : shares) {
    ends.push_back(end += share.body_bytes);
  }
  result_.distribute(ends, std::exchange(kept_, {}));
  if (failure) {
    std::rethrow_exception(failure);
  }
}

void PanelRoute::fail() noexcept {
  try {
    static_cast<void>(agree({failed, 0, 0}));
  } catch (const std::exception&) {
    // The group is already ending; the error that brought us here is the one to report.
    return;
  }
}

}  // namespace tessera
