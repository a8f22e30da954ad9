// SPDX-License-Identifier: Apache-2.0
// Where a stage's pixels come from: a band in memory with what other ranks hold, or a source read row by row.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "comm/communicator.hpp"
#include "image/stream.hpp"
#include "plan/plan.hpp"

namespace tessera {

/// An image held by a group in bands of rows: this rank's pixels and everyone's share.
struct Band {
  ImageInfo info;
  std::vector<Interval> rows;  ///< of each rank
  Tile mine;

  [[nodiscard]] static Band allocate(const ImageInfo& info, std::vector<Interval> rows, int rank);
};

/// Pixels that this rank may read: its band, and copies of what it asked others for.
class BandPixels {
 public:
  /// Starts the exchange. `needs[r]` are the rectangles, inside the image, that rank r will read; all ranks
  /// pass the same. Collective.
  BandPixels(const Band& band, const std::vector<std::vector<Rect>>& needs, Communicator& comm);
  /// Ends when all ghost pixels are here and all sends are done. Not thread-safe.
  void finish_exchange();
  /// True if `rect` can be read before the exchange has ended.
  [[nodiscard]] bool is_local(const Rect& rect) const;
  /// Copies the pixels of out.rect; rows outside the image wrap around.
  void fetch(Tile& out) const;

 private:
  struct Ghost {
    Tile tile;
    Bytes color;
    Bytes alpha;
  };
  void fetch_inside(Tile& out) const;

  const Band& band_;
  std::vector<std::unique_ptr<Ghost>> ghosts_;
  std::vector<Bytes> outgoing_;
  std::vector<std::unique_ptr<Transfer>> transfers_;
};

/// Rows of a source that each strip reads. Neither their beginnings nor their ends fall.
using StreamedRows = std::vector<Interval>;

/// Whether a strip reads rows that no other strip reads.
[[nodiscard]] bool reads_rows_alone(const StreamedRows& strips, std::size_t strip);

/// Rows that are read at a time where several strips need them.
[[nodiscard]] std::int64_t source_block_rows(const ImageInfo& image);

/// The rows of a source around what the strips in flight need. Rows are read in order, once, by whichever
/// thread needs them first; what the source leaves to be done of them is done by threads that would wait.
/// Rows that only one strip reads go straight to it. The memory of rows that no strip will need again is
/// reused. Once the source has failed it is asked for nothing more: every strip that needs rows from there on
/// gets that same error, whichever thread met it.
class SourcePixels {
 public:
  /// Where the source can be read in any order, rows that no strip reads are passed over.
  SourcePixels(Source& source, StreamedRows rows);
  /// Strip `strip` reads full-width rows; waits for, or reads, what is missing. Throws what the source threw.
  void fetch(std::int64_t strip, Tile& out);
  /// Strip `strip` will read nothing more above row `row`.
  void pass(std::int64_t strip, std::int64_t row);
  /// Strip `strip` will read nothing more.
  void release(std::int64_t strip);

 private:
  struct Block {
    Tile tile;
    std::int64_t rows = 0;               ///< of the tile that are read
    std::unique_ptr<DeferredRows> rest;  ///< that nobody does yet
    bool being_finished = false;
    std::exception_ptr failure;  ///< of finishing it

    [[nodiscard]] Interval interval() const { return {tile.rect.y, tile.rect.y + rows}; }
    [[nodiscard]] bool complete() const { return !rest && !being_finished; }
    [[nodiscard]] Tile part();
  };
  [[nodiscard]] bool reads_alone(std::size_t strip, const Interval& wanted) const;
  /// Does `work` without the lock, which is held before and after; `busy` is true meanwhile.
  void unlocked(bool& busy, std::unique_lock<std::mutex>& lock, const std::function<void()>& work);
  std::unique_ptr<DeferredRows> take_turn(Tile& out, std::unique_lock<std::mutex>& lock);
  void read_block(std::int64_t end, std::unique_lock<std::mutex>& lock);
  static std::shared_ptr<Block> unfinished(const std::deque<std::shared_ptr<Block>>& blocks);
  void finish(const std::shared_ptr<Block>& block, std::unique_lock<std::mutex>& lock);
  std::deque<std::shared_ptr<Block>> complete_blocks(const Interval& wanted,
                                                     std::unique_lock<std::mutex>& lock);
  void recycle();

  Source& source_;
  std::int64_t width_;
  std::int64_t height_;
  std::int64_t end_;
  std::int64_t block_rows_;
  StreamedRows strips_;
  std::vector<std::int64_t> needed_from_;  ///< the first row that each strip still reads
  std::vector<bool> released_;
  std::size_t oldest_strip_ = 0;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Block>> blocks_;
  std::vector<std::shared_ptr<Block>> spare_;
  std::int64_t read_to_ = 0;
  bool reading_ = false;
  std::exception_ptr failure_;  ///< of the source, at row read_to_ or below it
};

/// Sends a tile whose planes are contiguous; it must stay alive until the transfers are done.
[[nodiscard]] std::vector<std::unique_ptr<Transfer>> send_tile(Communicator& comm, const Tile& tile, int to);
/// Waits for the pixels of a tile that is allocated, as wide and high as the one sent.
void receive_tile(Communicator& comm, Tile& tile, int from);

/// What each rank takes of a panel, whose rows the ranks have as `panel` says, into its rows of `whole`.
[[nodiscard]] std::vector<std::vector<Rect>> kept_rows(const std::vector<Interval>& panel,
                                                       const std::vector<Interval>& whole,
                                                       std::int64_t width);
/// Rows that a panel of results has in this group, brought to those who hold them in `whole`. Collective.
void keep_panel(const Band& panel, Band& whole, Communicator& comm);

}  // namespace tessera
