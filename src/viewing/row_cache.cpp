// SPDX-License-Identifier: Apache-2.0
#include "viewing/row_cache.hpp"

#include <algorithm>

namespace tessera {
namespace {

/// As high as the tiles of most files, which are unpacked whole.
constexpr std::int64_t block_rows = 256;

}  // namespace

const Tile* RowCache::find(std::uint64_t source, std::int64_t block) {
  const auto found = by_key_.find({source, block});
  if (found == by_key_.end()) {
    return nullptr;
  }
  blocks_.splice(blocks_.begin(), blocks_, found->second);
  return &blocks_.front().rows;
}

const Tile& RowCache::keep(std::uint64_t source, std::int64_t block, Tile rows) {
  const std::int64_t bytes = rows.rect.height * rows.info().row_bytes();
  while (!blocks_.empty() && bytes_ + bytes > max_bytes_) {
    drop(std::prev(blocks_.end()));
  }
  blocks_.push_front({{source, block}, std::move(rows), bytes});
  by_key_[blocks_.front().key] = blocks_.begin();
  bytes_ += bytes;
  return blocks_.front().rows;
}

void RowCache::drop(std::list<Block>::iterator block) {
  bytes_ -= block->bytes;
  by_key_.erase(block->key);
  blocks_.erase(block);
}

void RowCache::forget(std::uint64_t source) {
  for (auto found = by_key_.lower_bound({source, 0});
       found != by_key_.end() && found->first.first == source;) {
    drop((found++)->second);
  }
}

CachedSource::CachedSource(std::unique_ptr<Source> source, std::shared_ptr<RowCache> cache)
    : source_(std::move(source)), cache_(std::move(cache)), id_(cache_->new_source()) {}

CachedSource::~CachedSource() { cache_->forget(id_); }

void CachedSource::read_rows(Tile& out) {
  const Interval rows = out.rect.rows();
  for (std::int64_t index = rows.begin / block_rows; index * block_rows < rows.end; ++index) {
    copy_overlap(block(index), out);
  }
}

const Tile& CachedSource::block(std::int64_t index) {
  if (const Tile* const kept = cache_->find(id_, index)) {
    return *kept;
  }
  if (source_->random_access()) {
    return cache_->keep(id_, index, read_block(index));
  }
  if (index < next_) {
    source_->rewind();
    next_ = 0;
  }
  for (; next_ < index; ++next_) {
    Tile above = read_block(next_);
    if (cache_->find(id_, next_) == nullptr) {
      cache_->keep(id_, next_, std::move(above));
    }
  }
  ++next_;
  return cache_->keep(id_, index, read_block(index));
}

Tile CachedSource::read_block(std::int64_t index) {
  const Extent& extent = info().extent;
  const Interval rows{index * block_rows, std::min((index + 1) * block_rows, extent.height)};
  Tile tile = Tile::allocate(Rect::of_rows(rows, extent.width), info().format);
  source_->read_rows(tile);
  return tile;
}

}  // namespace tessera
