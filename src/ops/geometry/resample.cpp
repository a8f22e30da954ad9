#include "ops/geometry/resample.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <opencv2/core.hpp>
#include <opencv2/core/hal/intrin.hpp>

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

/// `count` rows from `first` on, as floats: sample s of row r at s * lanes + r. Lanes without a row are zero.
template <class T>
void interleave_rows(const cv::Mat& in, int first, int count, std::vector<float>& block) {
  const int samples = in.cols * in.channels();
  for (int r = 0; r < lanes; ++r) {
    float* to = block.data() + r;
    if (r >= count) {
      for (int s = 0; s < samples; ++s) {
        to[s * lanes] = 0;
      }
      continue;
    }
    const T* row = in.ptr<T>(first + r);
    for (int s = 0; s < samples; ++s) {
      to[s * lanes] = static_cast<float>(row[s]);
    }
  }
}

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

/// Rows of the input made as narrow as the output, when they are asked for. The latest are kept in a ring, so
/// that they are still in the second-level cache when output rows are summed from them.
template <class T, int channels>
class NarrowedRows {
 public:
  /// `held_rows`: of these, any may be asked for together.
  NarrowedRows(const cv::Mat& in, const Region& region, const AxisTaps& columns, int held_rows)
      : in_(in),
        region_(region),
        columns_(columns),
        capacity_((held_rows + 2 * lanes - 1) / lanes * lanes),
        rows_(capacity_, static_cast<int>(region.out.width) * channels, CV_32F),
        block_(static_cast<std::size_t>(in.cols) * channels * lanes) {}

  /// Row `y` of the input; no row above it by the held rows or more may have been asked for.
  const float* at(int y) {
    while (next_ <= y) {
      narrow_block();
    }
    return rows_.ptr<float>(y % capacity_);
  }

 private:
  void narrow_block() {
    float sums[channels * lanes];
    const int count = std::min(lanes, in_.rows - next_);
    interleave_rows<T>(in_, next_, count, block_);
    float* rows[lanes];
    for (int r = 0; r < lanes; ++r) {
      rows[r] = rows_.ptr<float>((next_ + r) % capacity_);
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

  const cv::Mat& in_;
  const Region& region_;
  const AxisTaps& columns_;
  int capacity_;  ///< a multiple of the rows in a block
  cv::Mat rows_;
  std::vector<float> block_;
  int next_ = 0;  ///< row to be narrowed; a multiple of the rows in a block
};

/// Samples begin..end of one output row, from whole rows of `narrowed`.
template <class T>
void sum_rows(const std::vector<const float*>& from, std::span<const float> weights, int begin, int end,
              T* target) {
  for (int x = begin; x < end; ++x) {
    float sum = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      sum += weights[i] * from[i][x];
    }
    target[x] = cv::saturate_cast<T>(sum);
  }
}

template <class T, int channels>
void resample_rows(const cv::Mat& in, cv::Mat& out, const Region& region, const AxisTaps& columns,
                   const AxisTaps& rows) {
  const int samples = out.cols * channels;
  std::size_t most_taps = 1;
  for (int y = 0; y < out.rows; ++y) {
    most_taps = std::max(most_taps, rows.weights(region.out.y + y).size());
  }
  NarrowedRows<T, channels> narrowed(in, region, columns, static_cast<int>(most_taps));
  std::vector<const float*> from;
  alignas(16) float sums[samples_at_once];
  for (int y = 0; y < out.rows; ++y) {
    const std::int64_t index = region.out.y + y;
    const std::span<const float> weights = rows.weights(index);
    from.clear();
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const std::int64_t row =
          std::clamp<std::int64_t>(rows.first(index) + static_cast<std::int64_t>(i), 0, rows.in() - 1);
      from.push_back(narrowed.at(static_cast<int>(row - region.in.y)));
    }
    T* target = out.ptr<T>(y);
    int x = 0;
    for (; x + samples_at_once <= samples; x += samples_at_once) {
      cv::v_float32x4 sum[samples_at_once / 4];
      for (auto& part : sum) {
        part = cv::v_setzero_f32();
      }
      for (std::size_t i = 0; i < weights.size(); ++i) {
        const cv::v_float32x4 weight = cv::v_setall_f32(weights[i]);
        for (int k = 0; k < samples_at_once / 4; ++k) {
          sum[k] = sum[k] + weight * cv::v_load(from[i] + x + 4 * k);
        }
      }
      for (int k = 0; k < samples_at_once / 4; ++k) {
        cv::v_store(sums + 4 * k, sum[k]);
      }
      for (int k = 0; k < samples_at_once; ++k) {
        target[x + k] = cv::saturate_cast<T>(sums[k]);
      }
    }
    sum_rows(from, weights, x, samples, target);
  }
}

/// Rows of the input, narrowed one after the other and added to the sums of all output rows they belong to.
template <class T, int channels>
class SummedRows final : public PiecewiseRun {
 public:
  SummedRows(const Region& region, const AxisTaps& columns, const AxisTaps& rows)
      : region_(region),
        columns_(columns),
        rows_(rows),
        next_row_(region.in.y),
        next_tap_(static_cast<std::size_t>(region.out.height), 0),
        sums_(cv::Mat::zeros(static_cast<int>(region.out.height), samples(), CV_32F)) {}

  void add(const cv::Mat& piece) override {
    NarrowedRows<T, channels> narrowed(piece, region_, columns_, lanes);
    for (int y = 0; y < piece.rows; ++y) {
      add_row(narrowed.at(y), next_row_++);
    }
  }

  void finish(cv::Mat& out) override {
    for (int y = 0; y < out.rows; ++y) {
      const float* const sums = sums_.ptr<float>(y);
      T* const target = out.ptr<T>(y);
      for (int x = 0; x < samples(); ++x) {
        target[x] = cv::saturate_cast<T>(sums[x]);
      }
    }
  }

 private:
  [[nodiscard]] int samples() const { return static_cast<int>(region_.out.width) * channels; }

  void add_row(const float* narrowed, std::int64_t row) {
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
      float* const sums = sums_.ptr<float>(static_cast<int>(y));
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
void resample_depth(const cv::Mat& in, cv::Mat& out, const Region& region, const AxisTaps& columns,
                    const AxisTaps& rows) {
  if (in.channels() == 1) {
    resample_rows<T, 1>(in, out, region, columns, rows);
  } else {
    resample_rows<T, 3>(in, out, region, columns, rows);
  }
}

}  // namespace

ResampleTaps resample_taps(ResizeMethod method, std::int64_t index, std::int64_t in, std::int64_t out) {
  const double step = static_cast<double>(in) / static_cast<double>(out);
  const auto position = static_cast<double>(index);
  if (method == ResizeMethod::nearest) {
    return {std::min(in - 1, static_cast<std::int64_t>(std::floor(position * step))), {1.0F}};
  }
  std::vector<double> weights;
  std::int64_t first = 0;
  if (method == ResizeMethod::area && step > 1) {
    // Each input pixel by how much of it the output pixel covers.
    const double begin = position * step;
    const double end = (position + 1) * step;
    first = static_cast<std::int64_t>(std::floor(begin));
    for (std::int64_t i = first; static_cast<double>(i) < end && i < in; ++i) {
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

AxisTaps::AxisTaps(ResizeMethod method, std::int64_t in, std::int64_t out) : in_(in), begin_{0} {
  for (std::int64_t index = 0; index < out; ++index) {
    const ResampleTaps taps = resample_taps(method, index, in, out);
    first_.push_back(taps.first);
    weights_.insert(weights_.end(), taps.weights.begin(), taps.weights.end());
    begin_.push_back(weights_.size());
  }
}

Interval AxisTaps::needs(std::int64_t begin, std::int64_t count) const {
  const std::int64_t last = begin + count - 1;
  return {std::clamp<std::int64_t>(first(begin), 0, in_ - 1),
          std::clamp<std::int64_t>(first(last) + std::ssize(weights(last)), 1, in_)};
}

void resample(const cv::Mat& in, cv::Mat& out, const Region& region, const AxisTaps& columns,
              const AxisTaps& rows) {
  if (in.depth() == CV_8U) {
    resample_depth<std::uint8_t>(in, out, region, columns, rows);
  } else {
    resample_depth<std::uint16_t>(in, out, region, columns, rows);
  }
}

std::unique_ptr<PiecewiseRun> begin_resample(const Region& region, int type, const AxisTaps& columns,
                                             const AxisTaps& rows) {
  const bool gray = CV_MAT_CN(type) == 1;
  if (CV_MAT_DEPTH(type) == CV_8U) {
    if (gray) {
      return std::make_unique<SummedRows<std::uint8_t, 1>>(region, columns, rows);
    }
    return std::make_unique<SummedRows<std::uint8_t, 3>>(region, columns, rows);
  }
  if (gray) {
    return std::make_unique<SummedRows<std::uint16_t, 1>>(region, columns, rows);
  }
  return std::make_unique<SummedRows<std::uint16_t, 3>>(region, columns, rows);
}

}  // namespace tessera
