// SPDX-License-Identifier: Apache-2.0
#include "ops/blur/bilateral.hpp"

#include <cmath>
#include <opencv2/core/utility.hpp>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "ops/blur/bilateral_8bit.hpp"
#include "ops/blur/bilateral_disc.hpp"
#include "ops/slices.hpp"

namespace tessera {
namespace {

struct Tap {
  int dy;
  int dx;
  double weight;
};

std::vector<Tap> taps_of(const Bilateral& op) {
  std::vector<Tap> taps;
  for (const auto& [dy, dx, squared] : disc(op.radius)) {
    taps.push_back({dy, dx, std::exp(-squared / (2 * op.sigma_space * op.sigma_space))});
  }
  return taps;
}

/// OpenCV's filter for floats builds its table from the tile's own minimum and maximum, so its result would
/// depend on the cut; this one's depends on the neighbours alone.
template <int channels>
void filter_16bit(const cv::Mat& in, cv::Mat& out, const Bilateral& op, const std::stop_token& stop) {
  const std::vector<Tap> taps = taps_of(op);
  const double sigma = op.sigma_color * 257;
  std::vector<double> closeness(65536 * channels);
  for (std::size_t i = 0; i < closeness.size(); ++i) {
    const auto difference = static_cast<double>(i);
    closeness[i] = std::exp(-difference * difference / (2 * sigma * sigma));
  }
  for (int y = op.radius; y < in.rows - op.radius; ++y) {
    throw_if_stopped(stop);
    const auto* middle_row = in.ptr<std::uint16_t>(y);
    auto* target = out.ptr<std::uint16_t>(y);
    for (int x = op.radius; x < in.cols - op.radius; ++x) {
      const std::uint16_t* middle = middle_row + x * channels;
      double sums[channels] = {};
      double total = 0;
      for (const Tap& tap : taps) {
        const std::uint16_t* pixel = in.ptr<std::uint16_t>(y + tap.dy) + (x + tap.dx) * channels;
        int difference = 0;
        for (int c = 0; c < channels; ++c) {
          difference += std::abs(pixel[c] - middle[c]);
        }
        const double weight = tap.weight * closeness[static_cast<std::size_t>(difference)];
        total += weight;
        for (int c = 0; c < channels; ++c) {
          sums[c] += weight * pixel[c];
        }
      }
      for (int c = 0; c < channels; ++c) {
        target[x * channels + c] = cv::saturate_cast<std::uint16_t>(sums[c] / total);
      }
    }
  }
}

/// OpenCV divides so many columns at a time. Those that are left over pass through other code, which rounds
/// otherwise.
constexpr int columns_at_once = 32;

bool opencv_has_fma() {
  return cv::checkHardwareSupport(CV_CPU_AVX2) && cv::checkHardwareSupport(CV_CPU_FMA3);
}

void filter_8bit(const cv::Mat& in, cv::Mat& out, const Bilateral& op, const std::stop_token& stop) {
  if (!opencv_has_fma() || in.cols < columns_at_once) {
    bilateral_8bit(in, out, op, stop);
    return;
  }
  // Whole groups of columns up to the right edge; then one group at the left edge for those in front, if they
  // are more than ghost pixels.
  const int in_front = in.cols % columns_at_once;
  const auto filter = [&](const Interval& slice, const cv::Range& columns) {
    const cv::Range rows(static_cast<int>(slice.begin), static_cast<int>(slice.end));
    cv::Mat part = out(rows, columns);
    // OpenCV reads the pixels around a part of a matrix from the matrix, and makes each row for itself.
    cv::bilateralFilter(in(rows, columns), part, 2 * op.radius + 1, op.sigma_color, op.sigma_space);
  };
  const double taps = static_cast<double>(disc(op.radius).size());
  constexpr double steps_per_tap = 2;
  constexpr std::int64_t min_rows = 4;
  for_each_slice({op.radius, in.rows - op.radius}, taps * steps_per_tap * in.cols, min_rows, stop,
                 [&](const Interval& slice) {
                   filter(slice, {in_front, in.cols});
                   if (in_front > op.radius) {
                     filter(slice, {0, columns_at_once});
                   }
                 });
}

}  // namespace

void Bilateral::run(const cv::Mat& in, cv::Mat& out, const Region& region) const {
  if (in.depth() == CV_8U) {
    filter_8bit(in, out, *this, region.stop);
  } else if (in.channels() == 1) {
    filter_16bit<1>(in, out, *this, region.stop);
  } else {
    filter_16bit<3>(in, out, *this, region.stop);
  }
}

}  // namespace tessera
