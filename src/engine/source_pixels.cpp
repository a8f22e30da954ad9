#include "engine/pixels.hpp"

namespace tessera {
namespace {

/// Rows are read in blocks of about this size: big enough for decoders, small enough to stay in cache until
/// used.
constexpr std::int64_t block_bytes = 1 << 20;

}  // namespace

SourcePixels::SourcePixels(Source& source, StreamedRows rows)
    : source_(source),
      width_(source.info().extent.width),
      height_(source.info().extent.height),
      end_(source.random_access() ? rows.end : height_),
      block_rows_(std::clamp<std::int64_t>(block_bytes / std::max<std::int64_t>(1, source.info().row_bytes()),
                                           8, 256)),
      first_rows_(std::move(rows.first)),
      released_(first_rows_.size(), false) {
  if (source_.random_access() && !first_rows_.empty()) {
    read_to_ = std::max<std::int64_t>(0, first_rows_.front());
  }
}

std::shared_ptr<Tile> SourcePixels::next_block(std::unique_lock<std::mutex>& lock) {
  const Rect rect = Rect::of_rows({read_to_, std::min(end_, read_to_ + block_rows_)}, width_);
  std::shared_ptr<Tile> block;
  if (!spare_.empty()) {
    block = std::move(spare_.back());
    spare_.pop_back();
  }
  reading_ = true;
  lock.unlock();
  try {
    if (!block || block->color.rows < rect.height) {
      block = std::make_shared<Tile>(
          Tile::allocate(Rect::of_rows({0, block_rows_}, width_), source_.info().format));
    }
    block->rect = Rect::of_rows({rect.y, rect.y + block->color.rows}, width_);
    Tile part = block->view(rect);
    source_.read_rows(part);
  } catch (...) {
    lock.lock();
    reading_ = false;
    changed_.notify_all();
    throw;
  }
  lock.lock();
  reading_ = false;
  read_to_ = rect.y + rect.height;
  changed_.notify_all();
  return block;
}

void SourcePixels::fetch(std::int64_t strip, Tile& out) {
  static_cast<void>(strip);
  const Interval wanted = out.rect.rows();
  std::vector<std::shared_ptr<Tile>> parts;
  {
    std::unique_lock lock(mutex_);
    while (read_to_ < wanted.end) {
      if (reading_) {
        changed_.wait(lock);
        continue;
      }
      blocks_.push_back(next_block(lock));
      recycle();
    }
    for (const auto& block : blocks_) {
      if (!block->rect.rows().intersect(wanted).empty()) {
        parts.push_back(block);
      }
    }
  }
  for (const auto& part : parts) {
    copy_overlap(*part, out);
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

void SourcePixels::recycle() {
  const std::int64_t oldest_row = oldest_strip_ < first_rows_.size() ? first_rows_[oldest_strip_] : height_;
  while (!blocks_.empty() && blocks_.front()->rect.y + blocks_.front()->rect.height <= oldest_row &&
         blocks_.front().use_count() == 1) {
    spare_.push_back(std::move(blocks_.front()));
    blocks_.pop_front();
  }
}

}  // namespace tessera
