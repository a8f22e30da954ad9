// SPDX-License-Identifier: Apache-2.0
#include "codec/jpeg/baseline.hpp"

#include <algorithm>
#include <deque>
#include <mutex>
#include <utility>

#include "codec/common/rows.hpp"
#include "codec/jpeg/pixels.hpp"

namespace tessera {
namespace {

/// Memory for coefficients, used again: they are much, and touching it for the first time costs.
class CoefficientPool : public std::enable_shared_from_this<CoefficientPool> {
 public:
  explicit CoefficientPool(const JpegScan& scan) : scan_(scan) {}

  [[nodiscard]] std::shared_ptr<JpegCoefficients> take() {
    std::unique_ptr<JpegCoefficients> row;
    {
      const std::scoped_lock lock(mutex_);
      if (!free_.empty()) {
        row = std::move(free_.back());
        free_.pop_back();
      }
    }
    if (!row) {
      row = std::make_unique<JpegCoefficients>(scan_);
    }
    return {row.release(), [pool = shared_from_this()](JpegCoefficients* used) {
              pool->give_back(std::unique_ptr<JpegCoefficients>(used));
            }};
  }

 private:
  void give_back(std::unique_ptr<JpegCoefficients> row) {
    const std::scoped_lock lock(mutex_);
    free_.push_back(std::move(row));
  }

  JpegScan scan_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<JpegCoefficients>> free_;
};

class UnfinishedJpegRows final : public DeferredRows {
 public:
  UnfinishedJpegRows(const JpegScan& scan, JpegRows rows) : scan_(scan), rows_(std::move(rows)) {}
  void finish(Tile& out) override { make_jpeg_pixels(scan_, rows_, out); }

 private:
  const JpegScan& scan_;
  JpegRows rows_;
};

class PlainJpegSource final : public Source {
 public:
  PlainJpegSource(const JpegScan& scan, std::unique_ptr<JpegEntropy> entropy, std::unique_ptr<Source> stored)
      : scan_(scan),
        entropy_(std::move(entropy)),
        stored_(std::move(stored)),
        pool_(std::make_shared<CoefficientPool>(scan)) {}

  const ImageInfo& info() const override { return stored_->info(); }
  const Metadata& metadata() const override { return stored_->metadata(); }
  bool random_access() const override { return false; }
  std::vector<std::string> warnings() const override { return stored_->warnings(); }

  void read_rows(Tile& out) override {
    take_turn(out);
    const std::int64_t height = scan_.mcu_height();
    const std::int64_t whole = next_row_ == scan_.height ? next_row_ : next_row_ / height * height;
    for (std::int64_t y = out.rect.y; y < next_row_;) {
      const Interval kept = kept_.rect.rows();
      if (kept.contains({y, y + 1})) {
        copy_overlap(kept_, out);
        y = kept.end;
      } else if (y < whole) {
        Tile part = out.view(Rect::of_rows({y, whole}, scan_.width));
        fill(part);
        y = whole;
      } else {
        // Rows in the middle of MCUs: what is below them comes with them, and is kept for the next call.
        kept_ = Tile::allocate(Rect::of_rows({y, std::min(scan_.height, whole + height)}, scan_.width),
                               info().format);
        fill(kept_);
      }
    }
  }

  std::unique_ptr<DeferredRows> read_rows_deferred(Tile& out) override {
    if (out.rect.height == 0 || kept_.rect.rows().end > out.rect.y) {
      read_rows(out);
      return nullptr;
    }
    take_turn(out);
    return begin(out);
  }

 private:
  void take_turn(const Tile& out) {
    check_tile(out, info());
    check_turn(out, next_row_);
    next_row_ = out.rect.rows().end;
  }

  void fill(Tile& out) {
    if (const auto rest = begin(out)) {
      rest->finish(out);
    }
  }

  std::unique_ptr<DeferredRows> begin(Tile& out) {
    const Interval rows = out.rect.rows();
    if (entropy_ && !(decode_up_to(jpeg_rows_for(scan_, rows).end) &&
                      (rows.end < scan_.height || entropy_->ends_well()))) {
      give_up(rows.begin);
    }
    if (!entropy_) {
      stored_->read_rows(out);
      return nullptr;
    }
    const Interval needed = jpeg_rows_for(scan_, rows);
    JpegRows mine{needed.begin, {}};
    for (std::int64_t row = needed.begin; row < needed.end; ++row) {
      mine.rows.push_back(decoded_[static_cast<std::size_t>(row - first_decoded_)]);
    }
    const std::int64_t still_needed = jpeg_rows_for(scan_, {rows.end, rows.end}).begin;
    for (; first_decoded_ < still_needed && !decoded_.empty(); ++first_decoded_) {
      decoded_.pop_front();
    }
    return std::make_unique<UnfinishedJpegRows>(scan_, std::move(mine));
  }

  bool decode_up_to(std::int64_t mcu_row) {
    while (first_decoded_ + static_cast<std::int64_t>(decoded_.size()) < mcu_row) {
      std::shared_ptr<JpegCoefficients> row = pool_->take();
      if (!entropy_->next_row(*row)) {
        return false;
      }
      decoded_.push_back(std::move(row));
    }
    return true;
  }

  /// From row `y` on, all comes from the other reader, which begins at the top.
  void give_up(std::int64_t y) {
    entropy_.reset();
    decoded_.clear();
    constexpr std::int64_t rows_at_once = 64;
    for (std::int64_t passed = 0; passed < y; passed += rows_at_once) {
      Tile known = Tile::allocate(Rect::of_rows({passed, std::min(y, passed + rows_at_once)}, scan_.width),
                                  info().format);
      stored_->read_rows(known);
    }
  }

  JpegScan scan_;
  std::unique_ptr<JpegEntropy> entropy_;
  std::unique_ptr<Source> stored_;
  std::shared_ptr<CoefficientPool> pool_;
  std::deque<std::shared_ptr<JpegCoefficients>> decoded_;  ///< rows of MCUs
  std::int64_t first_decoded_ = 0;
  Tile kept_;
  std::int64_t next_row_ = 0;
};

}  // namespace

std::unique_ptr<Source> make_plain_jpeg_source(const InputPtr& input, const JpegScan& scan,
                                               std::unique_ptr<Source> stored) {
  auto entropy = can_make_jpeg_pixels() ? JpegEntropy::make(input, scan) : nullptr;
  if (!entropy) {
    return stored;
  }
  return std::make_unique<PlainJpegSource>(scan, std::move(entropy), std::move(stored));
}

}  // namespace tessera
