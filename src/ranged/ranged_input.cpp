// SPDX-License-Identifier: Apache-2.0
#include "ranged/ranged_input.hpp"

#include <algorithm>
#include <limits>
#include <system_error>
#include <tuple>
#include <utility>

#include "base/error.hpp"

namespace tessera {

RangedInput::RangedInput(OpenedObject opened, std::string name, const RangedReading& reading)
    : ObjectInput(std::move(name), opened.size, opened.version),
      reading_(reading),
      object_(std::move(opened.object)) {
  // Whole pieces only, and all of them if the server has sent the whole file.
  const auto got = static_cast<std::int64_t>(opened.head.size());
  for (std::int64_t index = 0; index < piece_count(); ++index) {
    const std::int64_t begin = index * reading_.piece_bytes;
    const std::int64_t end = std::min(size(), begin + reading_.piece_bytes);
    if (end > got) {
      break;
    }
    const auto piece = std::make_shared<Piece>();
    piece->bytes.assign(opened.head.begin() + begin, opened.head.begin() + end);
    piece->here = true;
    pieces_.emplace(index, piece);
  }
  if (got >= size()) {
    reading_.max_kept_bytes = std::numeric_limits<std::int64_t>::max();  // nothing can be fetched again
  }
}

RangedInput::~RangedInput() {
  for (std::jthread& fetcher : fetchers_) {
    fetcher.request_stop();
  }
}

std::int64_t RangedInput::piece_count() const {
  return (size() + reading_.piece_bytes - 1) / reading_.piece_bytes;
}

std::size_t RangedInput::read_at(std::int64_t offset, std::span<std::byte> to) const {
  if (offset < 0 || offset >= size() || to.empty()) {
    return 0;
  }
  const std::int64_t end = std::min(size(), offset + static_cast<std::int64_t>(to.size()));
  // In parts, so that a long read does not hold all of itself twice.
  for (std::int64_t at = offset; at < end;) {
    const std::int64_t first = at / reading_.piece_bytes;
    const std::int64_t part_end =
        std::min(end, (first + reading_.max_ahead_bytes / reading_.piece_bytes) * reading_.piece_bytes);
    const auto pieces = ask_for(first, (part_end - 1) / reading_.piece_bytes);
    std::int64_t begin = first * reading_.piece_bytes;
    for (const PiecePtr& piece : pieces) {
      {
        std::unique_lock lock(mutex_);
        arrived_.wait(lock, [&] { return piece->here || piece->failure; });
        if (piece->failure) {
          std::rethrow_exception(piece->failure);
        }
      }
      const std::int64_t stop = std::min(part_end, begin + static_cast<std::int64_t>(piece->bytes.size()));
      std::copy(piece->bytes.begin() + (at - begin), piece->bytes.begin() + (stop - begin),
                to.begin() + (at - offset));
      at = stop;
      begin += reading_.piece_bytes;
    }
  }
  return static_cast<std::size_t>(end - offset);
}

std::int64_t RangedInput::cache_bytes() const { return std::min(size(), reading_.max_kept_bytes); }

void RangedInput::read_ahead(std::span<const ByteSpan> spans, std::int64_t max_bytes) const {
  const std::scoped_lock lock(mutex_);
  max_announced_pieces_ = max_bytes / reading_.piece_bytes;
  std::int64_t pieces = 0;
  for (const ByteSpan& span : spans) {
    const Interval wanted{span.offset / reading_.piece_bytes,
                          std::min(piece_count(), (span.offset + span.bytes + reading_.piece_bytes - 1) /
                                                      reading_.piece_bytes)};
    if (span.offset >= 0 && !wanted.empty()) {
      announced_.push_back(wanted);
      pieces += wanted.size();
    }
  }
  const std::int64_t pieces_a_request = reading_.request_bytes / reading_.piece_bytes;
  add_fetchers((std::min(pieces, max_announced_pieces_) + pieces_a_request - 1) / pieces_a_request);
  asked_.notify_all();
}

bool RangedInput::may_fetch_announced() const {
  while (!announced_.empty() && pieces_.contains(announced_.front().begin)) {
    if (++announced_.front().begin == announced_.front().end) {
      announced_.pop_front();
    }
  }
  return !announced_.empty() && announced_pieces_ < max_announced_pieces_;
}

/// What a reader waits for, else what was announced. One of them there must be.
RangedInput::Request RangedInput::next_request() const {
  if (!requests_.empty()) {
    Request request = std::move(requests_.front());
    requests_.pop_front();
    return request;
  }
  Interval& wanted = announced_.front();
  Request request{wanted.begin, {}};
  const std::int64_t end = std::min({wanted.end, wanted.begin + reading_.request_bytes / reading_.piece_bytes,
                                     wanted.begin + max_announced_pieces_ - announced_pieces_});
  for (; wanted.begin < end && !pieces_.contains(wanted.begin); ++wanted.begin) {
    const PiecePtr piece = std::make_shared<Piece>();
    piece->used = ++uses_;
    piece->announced = true;
    ++announced_pieces_;
    pieces_.emplace(wanted.begin, piece);
    request.pieces.push_back(piece);
  }
  if (wanted.empty()) {
    announced_.pop_front();
  }
  return request;
}

void RangedInput::end_announcement(Piece& piece) const {
  if (std::exchange(piece.announced, false)) {
    --announced_pieces_;
    asked_.notify_one();
  }
}

std::vector<RangedInput::PiecePtr> RangedInput::ask_for(std::int64_t first, std::int64_t last) const {
  const std::scoped_lock lock(mutex_);
  std::vector<PiecePtr> found;
  for (std::int64_t index = first; index <= last; ++index) {
    auto at = pieces_.find(index);
    if (at == pieces_.end()) {
      start_window(index, last - index + 1);
      at = pieces_.find(index);
    }
    const PiecePtr& piece = found.emplace_back(at->second);
    piece->used = ++uses_;
    piece->was_read = true;
    end_announcement(*piece);
    if (piece->next_window > 0) {
      start_window(std::exchange(piece->next_window, 0), 0);
    }
  }
  drop_unused();
  return found;
}

/// Asks for `needed` pieces from `first` on, fewer if some of them are kept; for more if they are read in order.
void RangedInput::start_window(std::int64_t first, std::int64_t needed) const {
  const std::int64_t pieces_ahead = reading_.max_ahead_bytes / reading_.piece_bytes;
  const auto before = pieces_.find(first - 1);
  const bool in_order = before != pieces_.end();
  const std::int64_t window =
      std::max(needed, in_order ? std::min(pieces_ahead, before->second->window * 2) : std::int64_t{1});
  std::int64_t end = std::min(piece_count(), first + window);
  if (const auto kept = pieces_.lower_bound(first); kept != pieces_.end()) {
    end = std::min(end, kept->first);
  }
  const std::int64_t pieces_a_request = reading_.request_bytes / reading_.piece_bytes;
  add_fetchers((end - first + pieces_a_request - 1) / pieces_a_request);
  for (std::int64_t begin = first; begin < end; begin += pieces_a_request) {
    Request request{begin, {}};
    for (std::int64_t index = begin; index < std::min(end, begin + pieces_a_request); ++index) {
      const PiecePtr piece = std::make_shared<Piece>();
      piece->window = window;
      piece->used = ++uses_;
      pieces_.emplace(index, piece);
      request.pieces.push_back(piece);
    }
    requests_.push_back(std::move(request));
    asked_.notify_one();
  }
  if (in_order && first < end && end < piece_count()) {
    pieces_.at(first + (end - first) / 2)->next_window = end;
  }
}

void RangedInput::add_fetchers(std::int64_t requests) const {
  const std::int64_t wanted = std::min<std::int64_t>(
      reading_.max_requests, static_cast<std::int64_t>(fetchers_.size()) +
                                 static_cast<std::int64_t>(requests_.size()) + requests - idle_);
  while (static_cast<std::int64_t>(fetchers_.size()) < wanted) {
    try {
      fetchers_.emplace_back([this](const std::stop_token& stop) { fetch_requests(stop); });
    } catch (const std::system_error&) {
      if (fetchers_.empty()) {
        throw Error(ErrorCode::io,
                    "No thread can be started to read an object: the system's limit is reached.");
      }
      return;  // those that are there do it, with fewer requests at a time
    }
  }
}

void RangedInput::drop_unused() const {
  const auto limit = static_cast<std::size_t>(reading_.max_kept_bytes / reading_.piece_bytes);
  // What is fetched ahead has a limit of its own.
  const std::size_t kept = pieces_.size() - static_cast<std::size_t>(announced_pieces_);
  if (kept <= limit) {
    return;
  }
  // Some more than must be, so that not every read looks for some.
  std::vector<std::tuple<bool, std::uint64_t, std::int64_t>> by_use;
  for (const auto& [index, piece] : pieces_) {
    if (piece->here && !piece->announced) {
      by_use.emplace_back(!piece->was_read, piece->used, index);
    }
  }
  const std::size_t count = std::min(by_use.size(), kept - limit + limit / 8);
  std::ranges::nth_element(by_use, by_use.begin() + static_cast<std::ptrdiff_t>(count));
  for (std::size_t i = 0; i < count; ++i) {
    pieces_.erase(std::get<std::int64_t>(by_use[i]));
  }
}

void RangedInput::fetch_requests(const std::stop_token& stop) const {
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    const bool has_request =
        asked_.wait(lock, stop, [&] { return !requests_.empty() || may_fetch_announced(); });
    --idle_;
    if (!has_request || stop.stop_requested()) {
      return;
    }
    const Request request = next_request();
    lock.unlock();
    fetch(request);
    lock.lock();
  }
}

void RangedInput::fetch(const Request& request) const {
  const std::int64_t begin = request.first * reading_.piece_bytes;
  const std::int64_t count =
      std::min(size() - begin, static_cast<std::int64_t>(request.pieces.size()) * reading_.piece_bytes);
  std::vector<Bytes> parts;
  std::exception_ptr failure;
  try {
    Bytes bytes;
    bytes.reserve(static_cast<std::size_t>(count));
    BytesSink sink(bytes, count);
    object_->read(begin, count, sink);
    if (static_cast<std::int64_t>(bytes.size()) != count) {
      throw Error(ErrorCode::unavailable, "The server sent fewer bytes than were asked for: try again.");
    }
    for (std::int64_t from = 0; from < count; from += reading_.piece_bytes) {
      parts.emplace_back(bytes.begin() + from, bytes.begin() + std::min(count, from + reading_.piece_bytes));
    }
  } catch (...) {
    failure = std::current_exception();
  }
  const std::scoped_lock lock(mutex_);
  for (std::size_t i = 0; i < request.pieces.size(); ++i) {
    Piece& piece = *request.pieces[i];
    if (failure) {
      // Whoever waits for it is told; whoever comes later tries again.
      piece.failure = failure;
      end_announcement(piece);
      pieces_.erase(request.first + static_cast<std::int64_t>(i));
    } else {
      piece.bytes = std::move(parts[i]);
      piece.here = true;
    }
  }
  arrived_.notify_all();
}

}  // namespace tessera
