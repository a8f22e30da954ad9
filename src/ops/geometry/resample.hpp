// SPDX-License-Identifier: Apache-2.0
// Separable resampling: the arithmetic of resize.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "ops/pieces.hpp"

namespace tessera {

enum class ResizeMethod : std::uint8_t { nearest, linear, cubic, lanczos3, area };

template <>
struct EnumNames<ResizeMethod> {
  static constexpr std::array names{std::pair{ResizeMethod::nearest, std::string_view("nearest")},
                                    std::pair{ResizeMethod::linear, std::string_view("linear")},
                                    std::pair{ResizeMethod::cubic, std::string_view("cubic")},
                                    std::pair{ResizeMethod::lanczos3, std::string_view("lanczos3")},
                                    std::pair{ResizeMethod::area, std::string_view("area")}};
};

/// The input samples that make one output sample, and their weights.
struct ResampleTaps {
  std::int64_t first = 0;  ///< may lie outside the image: such samples count as the nearest inside
  std::vector<float> weights;
};
/// Of output sample `index` of `out`. The input has been reduced before: each of its samples stands for `reduced_by` of
/// `in`, the last one perhaps for fewer.
[[nodiscard]] ResampleTaps resample_taps(ResizeMethod method, std::int64_t index, std::int64_t in,
                                         std::int64_t out, int reduced_by = 1);

/// The taps of all output samples along one side of the image, one after the other.
class AxisTaps {
 public:
  AxisTaps(ResizeMethod method, std::int64_t in, std::int64_t out, int reduced_by = 1);
  /// The same for output samples begin..begin + count - 1 alone, which become the first.
  [[nodiscard]] AxisTaps window(std::int64_t begin, std::int64_t count) const;
  /// Samples that there are, after the reduction.
  [[nodiscard]] std::int64_t in() const { return in_; }
  [[nodiscard]] std::int64_t out() const { return static_cast<std::int64_t>(first_.size()); }
  [[nodiscard]] std::int64_t first(std::int64_t index) const {
    return first_[static_cast<std::size_t>(index)];
  }
  [[nodiscard]] std::span<const float> weights(std::int64_t index) const {
    const auto at = static_cast<std::size_t>(index);
    return {weights_.data() + begin_[at], begin_[at + 1] - begin_[at]};
  }
  /// The input samples, clamped to the image, that outputs begin..begin + count - 1 are made of.
  [[nodiscard]] Interval needs(std::int64_t begin, std::int64_t count) const;

 private:
  AxisTaps() = default;

  std::int64_t in_ = 0;
  std::vector<std::int64_t> first_;
  std::vector<std::size_t> begin_;
  std::vector<float> weights_;
};

/// Fills `out` (region.out of the result) from `in` (region.in of the image): along the rows first, then
/// along the columns, in single precision, each sum in the order of its taps, rounded once at the end. Where
/// a pixel is made of others than opaque ones alone (region.transparency), its colours are the sums of alpha
/// times colour over the sum of alpha, in double precision for 16-bit samples.
void resample(const cv::Mat& in, cv::Mat& out, const Region& region, const AxisTaps& columns,
              const AxisTaps& rows);
/// Bytes that resample() takes beside `in`, which is so wide, and `out`: narrowed rows, and those that are being
/// narrowed. For transparent pixels it takes as much again and a little more.
[[nodiscard]] std::int64_t resample_bytes(const PixelFormat& format, std::int64_t in_width,
                                          const AxisTaps& columns, const AxisTaps& rows);
/// The same for input of that matrix type which comes in pieces of rows: every sum is kept and gets its terms
/// in the same order as they come. The taps must outlive it. Colours are weighed if region.image has alpha
/// and region.alpha is false.
[[nodiscard]] std::unique_ptr<PiecewiseRun> begin_resample(const Region& region, int type,
                                                           const AxisTaps& columns, const AxisTaps& rows);

}  // namespace tessera
