// SPDX-License-Identifier: Apache-2.0
// An object as the encoded bytes of an image: pieces are fetched when they are read, several at a time, and ahead
// where reading goes in order.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "codec/io/objects.hpp"
#include "image/image.hpp"
#include "ranged/ranged_object.hpp"

namespace tessera {

struct RangedReading {
  std::int64_t piece_bytes = std::int64_t{256} << 10;    ///< what is fetched at least, and kept or dropped
  std::int64_t request_bytes = std::int64_t{2} << 20;    ///< of a request, at most
  std::int64_t max_ahead_bytes = std::int64_t{8} << 20;  ///< fetched ahead of a reader
  std::int64_t max_kept_bytes = std::int64_t{64} << 20;  ///< of pieces that may be read again
  int max_requests = 8;                                  ///< at a time
};

/// Reading ahead follows Linux (mm/readahead.c): a read that goes on where a piece before it is kept is taken for
/// one in order, and fetches a window twice as long as the one before; the piece in the middle of a window starts
/// the next when it is read. So several places may be read in turn, as the planes of a TIFF are.
class RangedInput final : public ObjectInput {
 public:
  RangedInput(OpenedObject opened, std::string name, const RangedReading& reading = {});
  ~RangedInput() override;
  RangedInput(const RangedInput&) = delete;
  RangedInput& operator=(const RangedInput&) = delete;

  std::size_t read_at(std::int64_t offset, std::span<std::byte> to) const override;
  /// Requests that readers wait for go first.
  void read_ahead(std::span<const ByteSpan> spans, std::int64_t max_bytes) const override;
  std::int64_t cache_bytes() const override;

 private:
  struct Piece {
    Bytes bytes;
    bool here = false;
    std::exception_ptr failure;
    std::int64_t window = 1;  ///< pieces fetched with it
    /// Where the next window starts when this piece is read; 0: it starts none.
    std::int64_t next_window = 0;
    bool was_read = false;   ///< those that were not, fetched ahead, are dropped last
    bool announced = false;  ///< fetched for read_ahead(), and not read yet
    std::uint64_t used = 0;  ///< by which the one that was not used for longest is dropped
  };
  using PiecePtr = std::shared_ptr<Piece>;
  struct Request {
    std::int64_t first = 0;  ///< piece
    std::vector<PiecePtr> pieces;
  };

  /// Pieces first to last, of which those that are missing have been asked for.
  std::vector<PiecePtr> ask_for(std::int64_t first, std::int64_t last) const;
  void start_window(std::int64_t first, std::int64_t needed) const;
  /// So that a fetcher is free for each of that many more requests, up to the limit.
  void add_fetchers(std::int64_t requests) const;
  void drop_unused() const;
  /// A piece that was announced is read, or is gone.
  void end_announcement(Piece& piece) const;
  [[nodiscard]] bool may_fetch_announced() const;
  [[nodiscard]] Request next_request() const;
  void fetch_requests(const std::stop_token& stop) const;
  void fetch(const Request& request) const;
  [[nodiscard]] std::int64_t piece_count() const;

  RangedReading reading_;
  std::unique_ptr<RangedObject> object_;
  mutable std::mutex mutex_;
  mutable std::condition_variable_any asked_;
  mutable std::condition_variable arrived_;
  mutable std::map<std::int64_t, PiecePtr> pieces_;
  mutable std::deque<Request> requests_;
  mutable std::deque<Interval> announced_;         ///< pieces that are to be fetched ahead, in this order
  mutable std::int64_t max_announced_pieces_ = 0;  ///< fetched ahead and not read
  mutable std::int64_t announced_pieces_ = 0;
  mutable std::uint64_t uses_ = 0;
  mutable int idle_ = 0;  ///< fetchers that wait for a request
  mutable std::vector<std::jthread> fetchers_;
};

}  // namespace tessera
