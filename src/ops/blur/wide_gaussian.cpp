// SPDX-License-Identifier: Apache-2.0
#include "ops/blur/wide_gaussian.hpp"

#include <array>
#include <limits>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "ops/slices.hpp"

namespace tessera {
namespace {

/// Sums are whole numbers that `Down` (down the columns) and `Across` (then along the rows) hold exactly:
/// 255 * 2^8 and 255 * 2^16, or 65535 * 2^16 and 65535 * 2^32.
template <class Sample>
struct Sums;
template <>
struct Sums<std::uint8_t> {
  using Down = std::uint16_t;
  using Across = float;
  static constexpr int weight_bits = 8;
};
template <>
struct Sums<std::uint16_t> {
  using Down = std::uint32_t;
  using Across = double;
  static constexpr int weight_bits = 16;
};

/// weights[i] belongs to the pixels i away from the middle one. They are read off the picture of a single
/// dot, which is what they are but for less than half a level.
template <class Sample>
std::vector<std::uint16_t> weights_of(int radius, double sigma) {
  const int size = 2 * radius + 1;
  cv::Mat dot = cv::Mat::zeros(1, 2 * size + 1, cv::DataType<Sample>::type);
  dot.at<Sample>(0, size) = std::numeric_limits<Sample>::max();
  cv::Mat blurred;
  cv::GaussianBlur(dot, blurred, {size, 1}, sigma, sigma);
  std::vector<std::uint16_t> weights;
  for (int i = 0; i <= radius; ++i) {
    weights.push_back(blurred.at<Sample>(0, size + i));
  }
  return weights;
}

/// Columns of neighbouring rows are in cache together.
constexpr std::int64_t min_rows = 16;

double steps_per_row(std::int64_t samples, int radius) {
  constexpr double taps_a_step = 8;
  return static_cast<double>(samples) * (2.0 * radius + 1) / taps_a_step;
}

template <class Sample>
class WideGaussian {
  using Down = typename Sums<Sample>::Down;
  using Across = typename Sums<Sample>::Across;
  /// Samples whose sums stay in registers.
  static constexpr int at_once = 64;

 public:
  WideGaussian(const cv::Mat& in, cv::Mat& out, int radius, double sigma)
      : in_(in), out_(out), radius_(radius), weights_(weights_of<Sample>(radius, sigma)) {}

  void run(const std::stop_token& stop) {
    const int samples = in_.cols * in_.channels();
    for_each_slice({radius_, in_.rows - radius_}, steps_per_row(samples, radius_), min_rows, stop,
                   [&](const Interval& slice) {
                     const auto rows = static_cast<int>(slice.size());
                     sums_.create(rows, samples + at_once, cv::DataType<Across>::type);
                     sums_.colRange(samples, samples + at_once).setTo(0);
                     for (int x = 0; x < samples; x += at_once) {
                       for (int y = 0; y < rows; ++y) {
                         const int at = static_cast<int>(slice.begin) + y;
                         if (samples - x >= at_once) {
                           add_down<at_once>(at, x, at_once, sums_.ptr<Across>(y) + x);
                         } else {
                           add_down<0>(at, x, samples - x, sums_.ptr<Across>(y) + x);
                         }
                       }
                     }
                     for (int y = 0; y < rows; ++y) {
                       add_across(sums_.ptr<Across>(y), out_.ptr<Sample>(static_cast<int>(slice.begin) + y));
                     }
                   });
  }

 private:
  /// `fixed`: the count, where it is known beforehand.
  template <int fixed>
  void add_down(int y, int x, int count, Across* to) const {
    const int n = fixed > 0 ? fixed : count;
    std::array<Down, at_once> sums;
    const Sample* middle = in_.ptr<Sample>(y) + x;
    for (int i = 0; i < n; ++i) {
      sums[i] = static_cast<Down>(weights_[0] * Down{middle[i]});
    }
    for (int d = 1; d <= radius_; ++d) {
      const std::uint16_t weight = weights_[d];
      if (weight == 0) {
        continue;
      }
      const Sample* above = in_.ptr<Sample>(y - d) + x;
      const Sample* below = in_.ptr<Sample>(y + d) + x;
      for (int i = 0; i < n; ++i) {
        sums[i] = static_cast<Down>(sums[i] + Down{weight} * above[i] + Down{weight} * below[i]);
      }
    }
    for (int i = 0; i < n; ++i) {
      to[i] = static_cast<Across>(sums[i]);
    }
  }

  void add_across(const Across* from, Sample* to) const {
    const int channels = in_.channels();
    const int begin = radius_ * channels;
    const int end = (in_.cols - radius_) * channels;
    constexpr int bits = 2 * Sums<Sample>::weight_bits;
    constexpr std::uint64_t half = std::uint64_t{1} << (bits - 1);
    for (int x = begin; x < end; x += at_once) {
      std::array<Across, at_once> sums;
      for (int i = 0; i < at_once; ++i) {
        sums[i] = static_cast<Across>(weights_[0]) * from[x + i];
      }
      for (int d = 1; d <= radius_; ++d) {
        const auto weight = static_cast<Across>(weights_[d]);
        if (weight == 0) {
          continue;
        }
        const Across* left = from + x - d * channels;
        const Across* right = from + x + d * channels;
        for (int i = 0; i < at_once; ++i) {
          sums[i] += weight * (left[i] + right[i]);
        }
      }
      for (int i = 0; i < std::min(at_once, end - x); ++i) {
        to[x + i] = static_cast<Sample>((static_cast<std::uint64_t>(sums[i]) + half) >> bits);
      }
    }
  }

  const cv::Mat& in_;
  cv::Mat& out_;
  int radius_;
  std::vector<std::uint16_t> weights_;
  cv::Mat sums_;  ///< down the columns, for a slice; a block wider than the picture
};

}  // namespace

std::int64_t wide_gaussian_bytes(Depth depth, std::int64_t samples, std::int64_t rows, int radius_px) {
  const std::int64_t sum_bytes =
      depth == Depth::u8 ? sizeof(Sums<std::uint8_t>::Across) : sizeof(Sums<std::uint16_t>::Across);
  return std::min(rows, rows_of_slice(steps_per_row(samples, radius_px), min_rows)) * samples * sum_bytes;
}

std::vector<double> gaussian_weights(int depth, int radius_px, double sigma_px) {
  const std::vector<std::uint16_t> half = depth == CV_8U ? weights_of<std::uint8_t>(radius_px, sigma_px)
                                                         : weights_of<std::uint16_t>(radius_px, sigma_px);
  std::vector<double> weights(half.rbegin(), half.rend());
  weights.insert(weights.end(), half.begin() + 1, half.end());
  return weights;
}

void wide_gaussian(const cv::Mat& in, cv::Mat& out, int radius_px, double sigma_px,
                   const std::stop_token& stop) {
  if (in.depth() == CV_8U) {
    WideGaussian<std::uint8_t>(in, out, radius_px, sigma_px).run(stop);
  } else {
    WideGaussian<std::uint16_t>(in, out, radius_px, sigma_px).run(stop);
  }
}

}  // namespace tessera
