// SPDX-License-Identifier: Apache-2.0
#include "ops/geometry/resample.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <opencv2/core.hpp>
#include <opencv2/core/hal/intrin.hpp>
#include <optional>
#include <type_traits>
#include <utility>

#include "ops/samples.hpp"

namespace tessera {
namespace {

/// Rows that are narrowed side by side, one in each lane: rows know nothing of each other, so the lanes are
/// full whatever the taps are.
constexpr int lanes = 8;
constexpr int samples_at_once = 32;

double sinc(double x) { return x == 0 ? 1 : std::sin(std::numbers::pi * x) / (std::numbers::pi * x); }

double kernel_radius(ResizeMethod method) {
  switch (method) {
    case ResizeMethod::nearest:
    case ResizeMethod::area:
      return 0.5;
    case ResizeMethod::linear:
      return 1;
    case ResizeMethod::cubic:
      return 2;
    case ResizeMethod::lanczos3:
      return 3;
  }
  return 0;
}

double kernel(ResizeMethod method, double distance) {
  const double x = std::abs(distance);
  switch (method) {
    case ResizeMethod::linear:
      return std::max(0.0, 1 - x);
    case ResizeMethod::cubic:
      return x < 1 ? (1.5 * x - 2.5) * x * x + 1 : x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
    case ResizeMethod::lanczos3:
      return x < 3 ? sinc(x) * sinc(x / 3) : 0;
    case ResizeMethod::nearest:
    case ResizeMethod::area:
      break;
  }
  return 0;
}

/// Rows of one plane, as floats.
template <class T, int colors>
class PlainRows {
 public:
  using Real = float;
  static constexpr int channels = colors;

  explicit PlainRows(const cv::Mat& color) : color_(color) {}
  [[nodiscard]] int rows() const { return color_.rows; }
  [[nodiscard]] int columns() const { return color_.cols; }
  /// Sample s of row y goes to to[s * lanes].
  void spread(int y, Real* to) const {
    const T* row = color_.ptr<T>(y);
    for (int s = 0; s < color_.cols * channels; ++s) {
      to[s * lanes] = static_cast<Real>(row[s]);
    }
  }

 private:
  const cv::Mat& color_;
};

/// Of each pixel the colours times alpha, alpha, and what alpha lacks of the largest value. For 16-bit
/// samples single precision would show where a result is nearly transparent.
template <class T, int colors>
class WeighedRows {
 public:
  using Real = std::conditional_t<sizeof(T) == 1, float, double>;
  static constexpr int channels = colors + 2;

  WeighedRows(const cv::Mat& color, const cv::Mat& alpha) : color_(color), alpha_(alpha) {}
  [[nodiscard]] int rows() const { return color_.rows; }
  [[nodiscard]] int columns() const { return color_.cols; }
  void spread(int y, Real* to) const {
    const T* pixel = color_.ptr<T>(y);
    const T* alpha = alpha_.ptr<T>(y);
    for (int x = 0; x < color_.cols; ++x, pixel += colors) {
      const Real weight = alpha[x];
      for (int c = 0; c < colors; ++c, to += lanes) {
        *to = weight * static_cast<Real>(pixel[c]);
      }
      *to = weight;
      to += lanes;
      *to = std::numeric_limits<T>::max() - weight;
      to += lanes;
    }
  }

 private:
  const cv::Mat& color_;
  const cv::Mat& alpha_;
};

/// One output pixel of `lanes` rows at once.
template <int channels>
void narrow_pixel(const float* block, std::int64_t image_x, std::int64_t width, std::int64_t block_x,
                  std::span<const float> weights, float* sums) {
  cv::v_float32x4 low[channels];
  cv::v_float32x4 high[channels];
  for (int c = 0; c < channels; ++c) {
    low[c] = cv::v_setzero_f32();
    high[c] = cv::v_setzero_f32();
  }
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const std::int64_t x = std::clamp<std::int64_t>(image_x + static_cast<std::int64_t>(i), 0, width - 1);
    const float* pixel = block + (x - block_x) * channels * lanes;
    const cv::v_float32x4 weight = cv::v_setall_f32(weights[i]);
    for (int c = 0; c < channels; ++c) {
      low[c] = low[c] + weight * cv::v_load(pixel + c * lanes);
      high[c] = high[c] + weight * cv::v_load(pixel + c * lanes + 4);
    }
  }
  for (int c = 0; c < channels; ++c) {
    cv::v_store(sums + c * lanes, low[c]);
    cv::v_store(sums + c * lanes + 4, high[c]);
  }
}

template <int channels>
void narrow_pixel(const double* block, std::int64_t image_x, std::int64_t width, std::int64_t block_x,
                  std::span<const float> weights, double* sums) {
  std::fill_n(sums, channels * lanes, 0.0);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const std::int64_t x = std::clamp<std::int64_t>(image_x + static_cast<std::int64_t>(i), 0, width - 1);
    const double* pixel = block + (x - block_x) * channels * lanes;
    const double weight = weights[i];
    for (int s = 0; s < channels * lanes; ++s) {
      sums[s] += weight * pixel[s];
    }
  }
}

/// Of a ring in which any `held_rows` may be asked for together: whole blocks.
int narrowed_rows(int held_rows) { return (held_rows + 2 * lanes - 1) / lanes * lanes; }

/// Rows of the input made as narrow as the output, when they are asked for. The latest are kept in a ring, so
/// that they are still in the second-level cache when output rows are summed from them.
template <class Rows>
class NarrowedRows {
 public:
  using Real = typename Rows::Real;
  static constexpr int channels = Rows::channels;

  /// `held_rows`: of these, any may be asked for together.
  NarrowedRows(Rows in, const Region& region, const AxisTaps& columns, int held_rows)
      : in_(std::move(in)),
        region_(region),
        columns_(columns),
        capacity_(narrowed_rows(held_rows)),
        rows_(capacity_, static_cast<int>(region.out.width) * channels, cv::DataType<Real>::type),
        block_(static_cast<std::size_t>(in_.columns()) * channels * lanes) {}

  /// Row `y` of the input; no row above it by the held rows or more may have been asked for.
  const Real* at(int y) {
    while (next_ <= y) {
      narrow_block();
    }
    return rows_.ptr<Real>(y % capacity_);
  }

 private:
  void narrow_block() {
    Real sums[channels * lanes];
    const int count = std::min(lanes, in_.rows() - next_);
    if (count < lanes) {
      std::fill(block_.begin(), block_.end(), Real{0});
    }
    Real* rows[lanes];
    for (int r = 0; r < lanes; ++r) {
      rows[r] = rows_.ptr<Real>((next_ + r) % capacity_);
      if (r < count) {
        in_.spread(next_ + r, block_.data() + r);
      }
    }
    for (std::int64_t x = 0; x < region_.out.width; ++x) {
      const std::int64_t index = region_.out.x + x;
      narrow_pixel<channels>(block_.data(), columns_.first(index), columns_.in(), region_.in.x,
                             columns_.weights(index), sums);
      for (int r = 0; r < count; ++r) {
        for (int c = 0; c < channels; ++c) {
          rows[r][x * channels + c] = sums[c * lanes + r];
        }
      }
    }
    next_ += lanes;
  }

  Rows in_;
  const Region& region_;
  const AxisTaps& columns_;
  int capacity_;  ///< a multiple of the rows in a block
  cv::Mat rows_;
  std::vector<Real> block_;
  int next_ = 0;  ///< row to be narrowed; a multiple of the rows in a block
};

/// Sums the samples of whole rows from `offset` on; of them those from `begin` to `end` are made.
template <class Real>
void sum_rows(const std::vector<const Real*>& from, std::span<const float> weights, int offset, int begin,
              int end, Real* target) {
  for (int x = begin; x < end; ++x) {
    Real sum = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      sum += weights[i] * from[i][offset + x];
    }
    target[x] = sum;
  }
}

/// The same for all of `count` samples, as many side by side as stay in registers.
void sum_part(const std::vector<const float*>& from, std::span<const float> weights, int offset, int count,
              float* target) {
  int x = 0;
  for (; x + samples_at_once <= count; x += samples_at_once) {
    cv::v_float32x4 sum[samples_at_once / 4];
    for (auto& part : sum) {
      part = cv::v_setzero_f32();
    }
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const cv::v_float32x4 weight = cv::v_setall_f32(weights[i]);
      for (int k = 0; k < samples_at_once / 4; ++k) {
        sum[k] = sum[k] + weight * cv::v_load(from[i] + offset + x + 4 * k);
      }
    }
    for (int k = 0; k < samples_at_once / 4; ++k) {
      cv::v_store(target + x + 4 * k, sum[k]);
    }
  }
  sum_rows(from, weights, offset, x, count, target);
}

void sum_part(const std::vector<const double*>& from, std::span<const float> weights, int offset, int count,
              double* target) {
  sum_rows(from, weights, offset, 0, count, target);
}

/// Calls take(y, x, pixels, sums) for parts of each row of the output, small enough to stay in the cache.
template <class Rows, class Take>
void resample_rows(Rows in, const Region& region, const AxisTaps& columns, const AxisTaps& rows,
                   const Take& take) {
  using Real = typename Rows::Real;
  std::size_t max_taps = 1;
  for (std::int64_t y = 0; y < region.out.height; ++y) {
    max_taps = std::max(max_taps, rows.weights(region.out.y + y).size());
  }
  NarrowedRows<Rows> narrowed(std::move(in), region, columns, static_cast<int>(max_taps));
  std::vector<const Real*> from;
  const int width = static_cast<int>(region.out.width);
  constexpr int max_pixels = 256;
  Real sums[max_pixels * Rows::channels];
  for (int y = 0; y < static_cast<int>(region.out.height); ++y) {
    const std::int64_t index = region.out.y + y;
    const std::span<const float> weights = rows.weights(index);
    from.clear();
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const std::int64_t row =
          std::clamp<std::int64_t>(rows.first(index) + static_cast<std::int64_t>(i), 0, rows.in() - 1);
      from.push_back(narrowed.at(static_cast<int>(row - region.in.y)));
    }
    for (int x = 0; x < width; x += max_pixels) {
      const int pixels = std::min(max_pixels, width - x);
      sum_part(from, weights, x * Rows::channels, pixels * Rows::channels, sums);
      take(y, x, pixels, sums);
    }
  }
}

/// The sums of all rows of the output, to which the rows of the input are added as they come.
template <class Rows>
class RowSums {
 public:
  using Real = typename Rows::Real;

  RowSums(const Region& region, const AxisTaps& columns, const AxisTaps& rows)
      : region_(region),
        columns_(columns),
        rows_(rows),
        next_row_(region.in.y),
        next_tap_(static_cast<std::size_t>(region.out.height), 0),
        sums_(cv::Mat::zeros(static_cast<int>(region.out.height), samples(), cv::DataType<Real>::type)) {}

  void add(Rows piece) {
    const int count = piece.rows();
    NarrowedRows<Rows> narrowed(std::move(piece), region_, columns_, lanes);
    for (int y = 0; y < count; ++y) {
      add_row(narrowed.at(y), next_row_++);
    }
  }
  [[nodiscard]] const Real* at(int y) const { return sums_.template ptr<Real>(y); }

 private:
  [[nodiscard]] int samples() const { return static_cast<int>(region_.out.width) * Rows::channels; }

  void add_row(const Real* narrowed, std::int64_t row) {
    while (first_open_ < region_.out.height && is_complete(first_open_)) {
      ++first_open_;
    }
    for (std::int64_t y = first_open_; y < region_.out.height; ++y) {
      const std::int64_t index = region_.out.y + y;
      const std::span<const float> weights = rows_.weights(index);
      std::size_t& tap = next_tap_[static_cast<std::size_t>(y)];
      if (tap == 0 && rows_.first(index) > row) {
        return;  // it and those below begin further down
      }
      Real* const sums = sums_.template ptr<Real>(static_cast<int>(y));
      for (; tap < weights.size() && row_of(index, tap) == row; ++tap) {
        for (int x = 0; x < samples(); ++x) {
          sums[x] += weights[tap] * narrowed[x];
        }
      }
    }
  }

  [[nodiscard]] bool is_complete(std::int64_t y) const {
    return next_tap_[static_cast<std::size_t>(y)] == rows_.weights(region_.out.y + y).size();
  }
  [[nodiscard]] std::int64_t row_of(std::int64_t index, std::size_t tap) const {
    return std::clamp<std::int64_t>(rows_.first(index) + static_cast<std::int64_t>(tap), 0, rows_.in() - 1);
  }

  Region region_;
  const AxisTaps& columns_;
  const AxisTaps& rows_;
  std::int64_t next_row_;
  std::vector<std::size_t> next_tap_;  ///< of each output row
  std::int64_t first_open_ = 0;        ///< output row that is not complete
  cv::Mat sums_;
};

template <class T>
void round_row(const float* sums, int count, T* target) {
  for (int i = 0; i < count; ++i) {
    target[i] = cv::saturate_cast<T>(sums[i]);
  }
}

/// Replaces the pixels of a row that are made of others than opaque ones alone, where they are visible.
template <class T, int colors, class Real>
void weigh_row(const Real* sums, std::int64_t width, T* target) {
  constexpr Real least = 0.5;  // rounds to a visible alpha
  for (std::int64_t x = 0; x < width; ++x, sums += colors + 2, target += colors) {
    const Real alpha = sums[colors];
    if (sums[colors + 1] != 0 && alpha >= least) {
      for (int c = 0; c < colors; ++c) {
        target[c] = cv::saturate_cast<T>(sums[c] / alpha);
      }
    }
  }
}

template <class T, int colors>
class ResampleInPieces final : public PiecewiseRun {
 public:
  ResampleInPieces(const Region& region, const AxisTaps& columns, const AxisTaps& rows)
      : width_(region.out.width), plain_(region, columns, rows) {
    if (region.image.format.alpha && !region.alpha) {
      weighed_.emplace(region, columns, rows);
    }
  }

  void add(const cv::Mat& piece, const cv::Mat& alpha) override {
    plain_.add(PlainRows<T, colors>(piece));
    if (weighed_) {
      weighed_->add(WeighedRows<T, colors>(piece, alpha));
    }
  }

  void finish(cv::Mat& out) override {
    for (int y = 0; y < out.rows; ++y) {
      round_row(plain_.at(y), out.cols * colors, out.ptr<T>(y));
      if (weighed_) {
        weigh_row<T, colors>(weighed_->at(y), width_, out.ptr<T>(y));
      }
    }
  }

 private:
  std::int64_t width_;
  RowSums<PlainRows<T, colors>> plain_;
  std::optional<RowSums<WeighedRows<T, colors>>> weighed_;
};

template <class T, int colors>
void resample_planes(const cv::Mat& in, cv::Mat& out, const Region& region, const AxisTaps& columns,
                     const AxisTaps& rows) {
  resample_rows(PlainRows<T, colors>(in), region, columns, rows,
                [&](int y, int x, int pixels, const float* sums) {
                  round_row(sums, pixels * colors, out.ptr<T>(y) + x * colors);
                });
  if (region.transparency != nullptr) {
    resample_rows(WeighedRows<T, colors>(in, *region.transparency), region, columns, rows,
                  [&](int y, int x, int pixels, const auto* sums) {
                    weigh_row<T, colors>(sums, pixels, out.ptr<T>(y) + x * colors);
                  });
  }
}

}  // namespace

namespace {

std::int64_t reduced_side(std::int64_t in, int reduced_by) { return (in + reduced_by - 1) / reduced_by; }

}  // namespace

std::int64_t resample_bytes(const PixelFormat& format, std::int64_t in_width, const AxisTaps& columns,
                            const AxisTaps& rows) {
  const auto taps = static_cast<int>(rows.weights(rows.out() / 2).size());
  const std::int64_t samples = columns.out() * narrowed_rows(taps) + in_width * lanes;
  return samples * format.channels * static_cast<std::int64_t>(sizeof(float));
}

ResampleTaps resample_taps(ResizeMethod method, std::int64_t index, std::int64_t in, std::int64_t out,
                           int reduced_by) {
  const double step = static_cast<double>(in) / static_cast<double>(out * reduced_by);
  const std::int64_t samples = reduced_side(in, reduced_by);
  const auto position = static_cast<double>(index);
  if (method == ResizeMethod::nearest) {
    return {std::min(samples - 1, static_cast<std::int64_t>(std::floor(position * step))), {1.0F}};
  }
  std::vector<double> weights;
  std::int64_t first = 0;
  if (method == ResizeMethod::area && step > 1) {
    // Each input pixel by how much of it the output pixel covers.
    const double begin = position * step;
    const double end = (position + 1) * step;
    first = static_cast<std::int64_t>(std::floor(begin));
    for (std::int64_t i = first; static_cast<double>(i) < end && i < samples; ++i) {
      weights.push_back(std::min(end, static_cast<double>(i + 1)) - std::max(begin, static_cast<double>(i)));
    }
  } else {
    const ResizeMethod used = method == ResizeMethod::area ? ResizeMethod::linear : method;
    const double stretch = std::max(1.0, step);
    const double centre = (position + 0.5) * step - 0.5;
    const double reach = kernel_radius(used) * stretch;
    first = static_cast<std::int64_t>(std::ceil(centre - reach));
    for (std::int64_t i = first; static_cast<double>(i) <= centre + reach; ++i) {
      weights.push_back(kernel(used, (static_cast<double>(i) - centre) / stretch));
    }
  }
  double total = 0;
  for (const double weight : weights) {
    total += weight;
  }
  ResampleTaps taps{first, {}};
  for (const double weight : weights) {
    taps.weights.push_back(static_cast<float>(weight / total));
  }
  return taps;
}

AxisTaps::AxisTaps(ResizeMethod method, std::int64_t in, std::int64_t out, int reduced_by)
    : in_(reduced_side(in, reduced_by)), begin_{0} {
  for (std::int64_t index = 0; index < out; ++index) {
    const ResampleTaps taps = resample_taps(method, index, in, out, reduced_by);
    first_.push_back(taps.first);
    weights_.insert(weights_.end(), taps.weights.begin(), taps.weights.end());
    begin_.push_back(weights_.size());
  }
}

AxisTaps AxisTaps::window(std::int64_t begin, std::int64_t count) const {
  AxisTaps part;
  part.in_ = in_;
  const auto from = static_cast<std::ptrdiff_t>(begin);
  const auto to = static_cast<std::ptrdiff_t>(begin + count);
  part.first_.assign(first_.begin() + from, first_.begin() + to);
  const std::size_t skipped = begin_[static_cast<std::size_t>(begin)];
  for (auto at = begin_.begin() + from; at != begin_.begin() + to + 1; ++at) {
    part.begin_.push_back(*at - skipped);
  }
  part.weights_.assign(
      weights_.begin() + static_cast<std::ptrdiff_t>(skipped),
      weights_.begin() + static_cast<std::ptrdiff_t>(begin_[static_cast<std::size_t>(begin + count)]));
  return part;
}

Interval AxisTaps::needs(std::int64_t begin, std::int64_t count) const {
  const std::int64_t last = begin + count - 1;
  return {std::clamp<std::int64_t>(first(begin), 0, in_ - 1),
          std::clamp<std::int64_t>(first(last) + std::ssize(weights(last)), 1, in_)};
}

void resample(const cv::Mat& in, cv::Mat& out, const Region& region, const AxisTaps& columns,
              const AxisTaps& rows) {
  for_samples(in.type(), [&](auto sample, auto colors) {
    resample_planes<decltype(sample), decltype(colors)::value>(in, out, region, columns, rows);
  });
}

std::unique_ptr<PiecewiseRun> begin_resample(const Region& region, int type, const AxisTaps& columns,
                                             const AxisTaps& rows) {
  return for_samples(type, [&](auto sample, auto colors) -> std::unique_ptr<PiecewiseRun> {
    return std::make_unique<ResampleInPieces<decltype(sample), decltype(colors)::value>>(region, columns,
                                                                                         rows);
  });
}

}  // namespace tessera
