// SPDX-License-Identifier: Apache-2.0
// Rows of sources that are kept, because viewers ask for one part after the other of the same rows.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <utility>

#include "image/stream.hpp"

namespace tessera {

/// Blocks of rows of several sources, at most `max_bytes` of them; what was not used for longest goes first.
/// For one thread.
class RowCache {
 public:
  explicit RowCache(std::int64_t max_bytes) : max_bytes_(max_bytes) {}
  RowCache(const RowCache&) = delete;
  RowCache& operator=(const RowCache&) = delete;

  [[nodiscard]] std::int64_t max_bytes() const { return max_bytes_; }
  /// A number for a source of which blocks will be kept.
  [[nodiscard]] std::uint64_t new_source() { return ++last_source_; }
  /// Nothing if it is not kept. Valid until the next call of keep().
  [[nodiscard]] const Tile* find(std::uint64_t source, std::int64_t block);
  /// The block stays at least until the next call.
  const Tile& keep(std::uint64_t source, std::int64_t block, Tile rows);
  void forget(std::uint64_t source);

 private:
  struct Block {
    std::pair<std::uint64_t, std::int64_t> key;
    Tile rows;
    std::int64_t bytes = 0;
  };
  void drop(std::list<Block>::iterator block);

  std::int64_t max_bytes_;
  std::int64_t bytes_ = 0;
  std::uint64_t last_source_ = 0;
  std::list<Block> blocks_;  ///< used last in front
  std::map<std::pair<std::uint64_t, std::int64_t>, std::list<Block>::iterator> by_key_;
};

/// A source whose rows are kept in a cache. It can be read in any order: what is read in order underneath
/// begins again at its top when rows above are missing. For one thread.
class CachedSource final : public Source {
 public:
  /// `source` must be random-access or able to rewind.
  CachedSource(std::unique_ptr<Source> source, std::shared_ptr<RowCache> cache);
  ~CachedSource() override;
  CachedSource(const CachedSource&) = delete;
  CachedSource& operator=(const CachedSource&) = delete;

  [[nodiscard]] const ImageInfo& info() const override { return source_->info(); }
  [[nodiscard]] const Metadata& metadata() const override { return source_->metadata(); }
  [[nodiscard]] bool random_access() const override { return true; }
  void read_rows(Tile& out) override;

 private:
  const Tile& block(std::int64_t index);
  [[nodiscard]] Tile read_block(std::int64_t index);

  std::unique_ptr<Source> source_;
  std::shared_ptr<RowCache> cache_;
  std::uint64_t id_;
  std::int64_t next_ = 0;  ///< block that a source that is read in order gives next
};

}  // namespace tessera
