// SPDX-License-Identifier: Apache-2.0
// Rows of MCUs between the thread that decodes them in order and the threads that make pixels of them.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "image/image.hpp"

namespace tessera {

/// Rows of MCUs one below the other.
template <class Row>
struct McuRows {
  std::int64_t first = 0;
  std::vector<std::shared_ptr<const Row>> rows;
};

/// Memory for rows, used again: it is much, and touching it for the first time costs.
/// A row is made of a Shape. Safe from several threads.
template <class Row, class Shape>
class McuRowPool : public std::enable_shared_from_this<McuRowPool<Row, Shape>> {
 public:
  explicit McuRowPool(Shape shape) : shape_(std::move(shape)) {}

  [[nodiscard]] std::shared_ptr<Row> take() {
    std::unique_ptr<Row> row;
    {
      const std::scoped_lock lock(mutex_);
      if (!free_.empty()) {
        row = std::move(free_.back());
        free_.pop_back();
      }
    }
    if (!row) {
      row = std::make_unique<Row>(shape_);
    }
    return {row.release(),
            [pool = this->shared_from_this()](Row* used) { pool->keep(std::unique_ptr<Row>(used)); }};
  }

 private:
  void keep(std::unique_ptr<Row> row) {
    const std::scoped_lock lock(mutex_);
    free_.push_back(std::move(row));
  }

  Shape shape_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Row>> free_;
};

/// The rows that have been decoded and are still needed. For one thread at a time; rows that have been taken are
/// released on any.
template <class Row, class Shape>
class McuRowQueue {
 public:
  explicit McuRowQueue(Shape shape) : pool_(std::make_shared<McuRowPool<Row, Shape>>(std::move(shape))) {}

  /// Has `decode` fill the rows that come next, up to `end`. False where it is.
  template <class Decode>
  [[nodiscard]] bool decode_up_to(std::int64_t end, const Decode& decode) {
    while (first_ + std::ssize(rows_) < end) {
      std::shared_ptr<Row> row = pool_->take();
      if (!decode(*row)) {
        return false;
      }
      rows_.push_back(std::move(row));
    }
    return true;
  }
  /// Rows that have been decoded, of which those above `still_needed` are not asked for again.
  [[nodiscard]] McuRows<Row> take(const Interval& rows, std::int64_t still_needed) {
    McuRows<Row> taken{rows.begin, {}};
    for (std::int64_t row = rows.begin; row < rows.end; ++row) {
      taken.rows.push_back(rows_[static_cast<std::size_t>(row - first_)]);
    }
    for (; first_ < still_needed && !rows_.empty(); ++first_) {
      rows_.pop_front();
    }
    return taken;
  }
  void clear() { rows_.clear(); }

 private:
  std::shared_ptr<McuRowPool<Row, Shape>> pool_;
  std::deque<std::shared_ptr<Row>> rows_;
  std::int64_t first_ = 0;
};

}  // namespace tessera
