// SPDX-License-Identifier: Apache-2.0
#include "codec/jpeg/baseline.hpp"

#include <algorithm>
#include <deque>
#include <mutex>
#include <utility>

#include "codec/common/rows.hpp"
#include "codec/jpeg/pixels.hpp"
#include "codec/jpeg/reduced.hpp"

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
  UnfinishedJpegRows(const JpegScan& scan, JpegRows rows, int factor)
      : scan_(scan), rows_(std::move(rows)), factor_(factor) {}
  void finish(Tile& out) override {
    if (factor_ == 1) {
      make_jpeg_pixels(scan_, rows_, out);
    } else {
      make_reduced_jpeg_pixels(scan_, rows_, factor_, out);
    }
  }

 private:
  const JpegScan& scan_;
  JpegRows rows_;
  int factor_;
};

class PlainJpegSource final : public Source {
 public:
  PlainJpegSource(const JpegScan& scan, std::unique_ptr<JpegEntropy> entropy, std::unique_ptr<Source> stored)
      : scan_(scan),
        entropy_(std::move(entropy)),
        stored_(std::move(stored)),
        info_(stored_->info()),
        pool_(std::make_shared<CoefficientPool>(scan)) {}

  const ImageInfo& info() const override { return info_; }
  const Metadata& metadata() const override { return stored_->metadata(); }
  bool random_access() const override { return false; }
  std::vector<std::string> warnings() const override { return stored_->warnings(); }
  bool reduce(int factor) override {
    const Extent& extent = info_.extent;
    const bool known = factor == 2 || factor == 4 || factor == jpeg_block_side;
    if (!entropy_ || next_row_ > 0 || factor_ > 1 || !known || extent.width % factor != 0 ||
        extent.height % factor != 0) {
      return false;
    }
    factor_ = factor;
    info_.extent = {extent.width / factor, extent.height / factor};
    return true;
  }

  void read_rows(Tile& out) override {
    take_turn(out);
    const std::int64_t height = scan_.mcu_height() / factor_;
    const std::int64_t whole = next_row_ == info_.extent.height ? next_row_ : next_row_ / height * height;
    for (std::int64_t y = out.rect.y; y < next_row_;) {
      const Interval kept = kept_.rect.rows();
      if (kept.contains({y, y + 1})) {
        copy_overlap(kept_, out);
        y = kept.end;
      } else if (y < whole) {
        Tile part = out.view(Rect::of_rows({y, whole}, info_.extent.width));
        fill(part);
        y = whole;
      } else {
        // Rows in the middle of MCUs: what is below them comes with them, and is kept for the next call.
        const Interval rows{y, std::min(info_.extent.height, whole + height)};
        kept_ = Tile::allocate(Rect::of_rows(rows, info_.extent.width), info_.format);
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
    if (entropy_ && ((factor_ == 1 && !can_make_jpeg_pixels()) || !decode_up_to(mcu_rows_for(rows).end) ||
                     (rows.end == info_.extent.height && !entropy_->ends_well()))) {
      give_up(rows.begin);
    }
    if (!entropy_) {
      read_stored(out);
      return nullptr;
    }
    const Interval needed = mcu_rows_for(rows);
    JpegRows mine{needed.begin, {}};
    for (std::int64_t row = needed.begin; row < needed.end; ++row) {
      mine.rows.push_back(decoded_[static_cast<std::size_t>(row - first_decoded_)]);
    }
    const std::int64_t still_needed = mcu_rows_for({rows.end, rows.end}).begin;
    for (; first_decoded_ < still_needed && !decoded_.empty(); ++first_decoded_) {
      decoded_.pop_front();
    }
    return std::make_unique<UnfinishedJpegRows>(scan_, std::move(mine), factor_);
  }

  [[nodiscard]] Interval mcu_rows_for(const Interval& rows) const {
    return factor_ == 1 ? jpeg_rows_for(scan_, rows) : reduced_jpeg_rows_for(scan_, factor_, rows);
  }

  /// Rows of the other reader, whose turn it is.
  void read_stored(Tile& out) {
    if (factor_ == 1) {
      stored_->read_rows(out);
      return;
    }
    for (std::int64_t y = 0; y < out.rect.height; ++y) {
      const std::int64_t row = out.rect.y + y;
      Tile full =
          Tile::allocate(Rect::of_rows({row * factor_, (row + 1) * factor_}, scan_.width), info_.format);
      stored_->read_rows(full);
      cv::Mat mean = out.color.row(static_cast<int>(y));
      take_means(full.color, mean);
    }
  }

  /// One row of means of factor_ x factor_ pixels.
  void take_means(const cv::Mat& full, cv::Mat& row) const {
    const int channels = full.channels();
    const int count = factor_ * factor_;
    auto* to = row.ptr<std::uint8_t>(0);
    for (int x = 0; x < row.cols; ++x) {
      for (int c = 0; c < channels; ++c) {
        int sum = count / 2;
        for (int i = 0; i < count; ++i) {
          sum += full.ptr<std::uint8_t>(i / factor_)[(x * factor_ + i % factor_) * channels + c];
        }
        *to++ = static_cast<std::uint8_t>(sum / count);
      }
    }
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
    const std::int64_t end = y * factor_;
    for (std::int64_t passed = 0; passed < end; passed += rows_at_once) {
      Tile known = Tile::allocate(Rect::of_rows({passed, std::min(end, passed + rows_at_once)}, scan_.width),
                                  info_.format);
      stored_->read_rows(known);
    }
  }

  JpegScan scan_;
  std::unique_ptr<JpegEntropy> entropy_;
  std::unique_ptr<Source> stored_;
  ImageInfo info_;
  int factor_ = 1;  ///< by which the picture is reduced
  std::shared_ptr<CoefficientPool> pool_;
  std::deque<std::shared_ptr<JpegCoefficients>> decoded_;  ///< rows of MCUs
  std::int64_t first_decoded_ = 0;
  Tile kept_;
  std::int64_t next_row_ = 0;
};

}  // namespace

std::unique_ptr<Source> make_plain_jpeg_source(const InputPtr& input, const JpegScan& scan,
                                               std::unique_ptr<Source> stored) {
  auto entropy = JpegEntropy::make(input, scan);
  if (!entropy) {
    return stored;
  }
  return std::make_unique<PlainJpegSource>(scan, std::move(entropy), std::move(stored));
}

}  // namespace tessera
