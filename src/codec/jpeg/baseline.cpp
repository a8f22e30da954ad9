// SPDX-License-Identifier: Apache-2.0
#include "codec/jpeg/baseline.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "codec/common/rows.hpp"
#include "codec/jpeg/pixels.hpp"
#include "codec/jpeg/reduced.hpp"
#include "image/reduced_extent.hpp"

namespace tessera {
namespace {

/// What is left to do of rows that have been decoded.
template <class Make>
class UnfinishedJpegRows final : public DeferredRows {
 public:
  explicit UnfinishedJpegRows(Make make) : make_(std::move(make)) {}
  void finish(Tile& out) override { make_(out); }

 private:
  Make make_;
};

template <class Make>
std::unique_ptr<DeferredRows> unfinished(Make make) {
  return std::make_unique<UnfinishedJpegRows<Make>>(std::move(make));
}

class PlainJpegSource final : public Source {
 public:
  PlainJpegSource(const JpegScan& scan, std::unique_ptr<JpegEntropy> entropy, std::unique_ptr<Source> stored)
      : scan_(scan),
        entropy_(std::move(entropy)),
        stored_(std::move(stored)),
        info_(stored_->info()),
        full_(scan) {}

  const ImageInfo& info() const override { return info_; }
  const Metadata& metadata() const override { return stored_->metadata(); }
  bool random_access() const override { return false; }
  std::vector<std::string> warnings() const override { return stored_->warnings(); }
  bool reduce(int factor) override {
    const bool known = factor == 2 || factor == 4 || factor == jpeg_block_side;
    if (!entropy_ || next_row_ > 0 || factor_ > 1 || !known) {
      return false;
    }
    factor_ = factor;
    info_.extent = reduced_extent(info_.extent, factor);
    reduced_.emplace(std::make_shared<const JpegFrequencyLayout>(scan_, factor));
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
    if (entropy_ && (!decode_up_to(mcu_rows_for(rows).end) ||
                     (rows.end == info_.extent.height && !entropy_->ends_well()))) {
      give_up(rows.begin);
    }
    if (!entropy_) {
      read_stored(out);
      return nullptr;
    }
    const Interval needed = mcu_rows_for(rows);
    const std::int64_t still_needed = mcu_rows_for({rows.end, rows.end}).begin;
    if (reduced_) {
      return unfinished([this, taken = reduced_->take(needed, still_needed)](Tile& to) {
        make_reduced_jpeg_pixels(scan_, taken, factor_, to);
      });
    }
    return unfinished(
        [this, taken = full_.take(needed, still_needed)](Tile& to) { make_jpeg_pixels(scan_, taken, to); });
  }

  [[nodiscard]] Interval mcu_rows_for(const Interval& rows) const {
    return reduced_ ? reduced_jpeg_rows_for(scan_, factor_, rows) : jpeg_rows_for(scan_, rows);
  }

  /// Rows of the other reader, whose turn it is.
  void read_stored(Tile& out) {
    if (factor_ == 1) {
      stored_->read_rows(out);
      return;
    }
    for (std::int64_t y = 0; y < out.rect.height; ++y) {
      const std::int64_t begin = (out.rect.y + y) * factor_;
      const Interval rows{begin, std::min(begin + factor_, scan_.height)};
      Tile full = Tile::allocate(Rect::of_rows(rows, scan_.width), info_.format);
      stored_->read_rows(full);
      take_means(full.color, out.color.ptr<std::uint8_t>(static_cast<int>(y)));
    }
  }

  /// One row of means of factor_ columns, or of those that are left.
  void take_means(const cv::Mat& full, std::uint8_t* to) const {
    const int channels = full.channels();
    for (int begin = 0; begin < full.cols; begin += factor_) {
      const int end = std::min(begin + factor_, full.cols);
      const int count = (end - begin) * full.rows;
      for (int c = 0; c < channels; ++c) {
        int sum = count / 2;
        for (int y = 0; y < full.rows; ++y) {
          for (int x = begin; x < end; ++x) {
            sum += full.ptr<std::uint8_t>(y)[x * channels + c];
          }
        }
        *to++ = static_cast<std::uint8_t>(sum / count);
      }
    }
  }

  bool decode_up_to(std::int64_t mcu_row) {
    const auto next = [this](auto& row) { return entropy_->next_row(row); };
    if (reduced_) {
      return reduced_->decode_up_to(mcu_row, next);
    }
    return can_make_jpeg_pixels() && full_.decode_up_to(mcu_row, next);
  }

  /// From row `y` on, all comes from the other reader, which begins at the top.
  void give_up(std::int64_t y) {
    entropy_.reset();
    full_.clear();
    if (reduced_) {
      reduced_->clear();
    }
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
  McuRowQueue<JpegCoefficients, JpegScan> full_;
  std::optional<McuRowQueue<JpegFrequencies, std::shared_ptr<const JpegFrequencyLayout>>> reduced_;
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
