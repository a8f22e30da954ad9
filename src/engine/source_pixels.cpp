// SPDX-License-Identifier: Apache-2.0
#include "engine/pixels.hpp"

namespace tessera {
namespace {

/// Rows are read in blocks of about this size: big enough for decoders, small enough to stay in cache until
/// used.
constexpr std::int64_t block_bytes = 1 << 20;
/// Decoders that make several rows at once make 8, 16 or more.
constexpr std::int64_t block_step_rows = 16;
constexpr std::int64_t max_block_rows = 256;

}  // namespace

bool reads_rows_alone(const StreamedRows& strips, std::size_t strip) {
  const Interval& rows = strips[strip];
  return (strip == 0 || strips[strip - 1].end <= rows.begin) &&
         (strip + 1 == strips.size() || rows.end <= strips[strip + 1].begin);
}

std::int64_t source_block_rows(const ImageInfo& image) {
  return std::clamp(
      block_bytes / std::max<std::int64_t>(1, image.row_bytes()) / block_step_rows * block_step_rows,
      block_step_rows, max_block_rows);
}

SourcePixels::SourcePixels(Source& source, StreamedRows rows)
    : source_(source),
      width_(source.info().extent.width),
      height_(source.info().extent.height),
      end_(source.random_access() && !rows.empty() ? rows.back().end : height_),
      block_rows_(source_block_rows(source.info())),
      strips_(std::move(rows)),
      released_(strips_.size(), false) {
  for (const Interval& strip : strips_) {
    needed_from_.push_back(strip.begin);
  }
  if (source_.random_access() && !strips_.empty()) {
    read_to_ = std::max<std::int64_t>(0, strips_.front().begin);
  }
}

Tile SourcePixels::Block::part() { return tile.view(Rect::of_rows(interval(), tile.rect.width)); }

/// Whether the strip reads all its rows with one call, and no other strip reads any of them.
bool SourcePixels::reads_alone(std::size_t strip, const Interval& wanted) const {
  return wanted == strips_[strip] && reads_rows_alone(strips_, strip);
}

void SourcePixels::unlocked(bool& busy, std::unique_lock<std::mutex>& lock,
                            const std::function<void()>& work) {
  busy = true;
  lock.unlock();
  const auto done = [&] {
    lock.lock();
    busy = false;
    changed_.notify_all();
  };
  try {
    work();
  } catch (...) {
    done();
    throw;
  }
  done();
}

/// Reads `out`, whose rows are next; or the source fails, which is kept for all.
std::unique_ptr<DeferredRows> SourcePixels::take_turn(Tile& out, std::unique_lock<std::mutex>& lock) {
  std::unique_ptr<DeferredRows> rest;
  std::exception_ptr failure;
  unlocked(reading_, lock, [&] {
    try {
      rest = source_.read_rows_deferred(out);
    } catch (...) {
      failure = std::current_exception();
    }
  });
  if (failure) {
    failure_ = failure;
  } else {
    read_to_ = out.rect.rows().end;
  }
  return rest;
}

/// Reads on, at most up to row `end`.
void SourcePixels::read_block(std::int64_t end, std::unique_lock<std::mutex>& lock) {
  std::shared_ptr<Block> block;
  if (spare_.empty()) {
    block = std::make_shared<Block>();
    block->tile = Tile::allocate(Rect::of_rows({0, block_rows_}, width_), source_.info().format);
  } else {
    block = std::move(spare_.back());
    spare_.pop_back();
  }
  block->tile.rect.y = read_to_;
  block->rows = std::min(end, read_to_ + block_rows_) - read_to_;
  block->failure = nullptr;
  Tile part = block->part();
  block->rest = take_turn(part, lock);
  if (!failure_) {
    blocks_.push_back(std::move(block));
  }
}

std::shared_ptr<SourcePixels::Block> SourcePixels::unfinished(
    const std::deque<std::shared_ptr<Block>>& blocks) {
  const auto found =
      std::find_if(blocks.begin(), blocks.end(), [](const auto& block) { return block->rest != nullptr; });
  return found == blocks.end() ? nullptr : *found;
}

void SourcePixels::finish(const std::shared_ptr<Block>& block, std::unique_lock<std::mutex>& lock) {
  const std::unique_ptr<DeferredRows> rest = std::move(block->rest);
  unlocked(block->being_finished, lock, [&] {
    try {
      Tile part = block->part();
      rest->finish(part);
    } catch (...) {
      block->failure = std::current_exception();
    }
  });
}

/// The blocks that hold `wanted`, as far as it has been read; throws what finishing the topmost threw.
std::deque<std::shared_ptr<SourcePixels::Block>> SourcePixels::complete_blocks(
    const Interval& wanted, std::unique_lock<std::mutex>& lock) {
  std::deque<std::shared_ptr<Block>> parts;
  for (const auto& block : blocks_) {
    if (!block->interval().intersect(wanted).empty()) {
      parts.push_back(block);
    }
  }
  while (const auto block = unfinished(parts)) {
    finish(block, lock);
  }
  changed_.wait(lock, [&] {
    return std::all_of(parts.begin(), parts.end(), [](const auto& block) { return block->complete(); });
  });
  for (const auto& block : parts) {
    if (block->failure) {
      std::rethrow_exception(block->failure);
    }
  }
  return parts;
}

void SourcePixels::fetch(std::int64_t strip, Tile& out) {
  const Interval wanted = out.rect.rows();
  const bool alone = reads_alone(static_cast<std::size_t>(strip), wanted);
  std::deque<std::shared_ptr<Block>> parts;
  {
    std::unique_lock lock(mutex_);
    while (read_to_ < wanted.end && !failure_) {
      if (reading_) {
        if (const auto block = unfinished(blocks_)) {
          finish(block, lock);
        } else {
          changed_.wait(lock);
        }
      } else if (alone && read_to_ == wanted.begin) {
        const auto rest = take_turn(out, lock);
        if (failure_) {
          std::rethrow_exception(failure_);
        }
        lock.unlock();
        if (rest) {
          rest->finish(out);
        }
        return;
      } else {
        read_block(alone && read_to_ < wanted.begin ? wanted.begin : end_, lock);
        recycle();
      }
    }
    // What failed further up is reported before what failed further down.
    parts = complete_blocks(wanted, lock);
    if (read_to_ < wanted.end) {
      std::rethrow_exception(failure_);
    }
  }
  for (const auto& block : parts) {
    copy_overlap(block->part(), out);
  }
}

void SourcePixels::release(std::int64_t strip) {
  const std::scoped_lock lock(mutex_);
  released_[static_cast<std::size_t>(strip)] = true;
  while (oldest_strip_ < released_.size() && released_[oldest_strip_]) {
    ++oldest_strip_;
  }
  recycle();
}

void SourcePixels::pass(std::int64_t strip, std::int64_t row) {
  const std::scoped_lock lock(mutex_);
  std::int64_t& needed_from = needed_from_[static_cast<std::size_t>(strip)];
  needed_from = std::max(needed_from, row);
  recycle();
}

void SourcePixels::recycle() {
  std::int64_t oldest_row = height_;
  for (std::size_t strip = oldest_strip_; strip < strips_.size(); ++strip) {
    if (!released_[strip]) {
      oldest_row = std::min(oldest_row, needed_from_[strip]);
      if (needed_from_[strip] == strips_[strip].begin) {
        break;  // those behind it begin further down
      }
    }
  }
  while (!blocks_.empty() && blocks_.front()->interval().end <= oldest_row &&
         blocks_.front().use_count() == 1) {
    spare_.push_back(std::move(blocks_.front()));
    blocks_.pop_front();
  }
}

}  // namespace tessera
