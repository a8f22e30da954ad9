// SPDX-License-Identifier: Apache-2.0
#include "ops/blur/motion_blur.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "base/stop.hpp"
#include "ops/blur/weighed_mean.hpp"

namespace tessera {
namespace {

std::vector<WindowStep> steps_along(int length, double angle_degrees) {
  const double radians = angle_degrees * std::numbers::pi / 180;
  std::vector<WindowStep> steps;
  for (int i = 0; i < length; ++i) {
    const double t = i - (length - 1) / 2.0;
    steps.push_back({static_cast<int>(std::lround(t * std::cos(radians))),
                     static_cast<int>(std::lround(-t * std::sin(radians)))});
  }
  return steps;
}

template <class T>
void average(const cv::Mat& in, cv::Mat& out, const std::vector<WindowStep>& steps, int reach,
             const std::stop_token& stop) {
  const int channels = in.channels();
  const int count = (in.cols - 2 * reach) * channels;
  const auto taps = static_cast<std::uint32_t>(steps.size());
  std::vector<std::uint32_t> sums(static_cast<std::size_t>(std::max(0, count)));
  for (int y = reach; y < in.rows - reach; ++y) {
    throw_if_stopped(stop);
    std::fill(sums.begin(), sums.end(), taps / 2);
    for (const WindowStep& step : steps) {
      const T* row = in.ptr<T>(y + step.dy) + (reach + step.dx) * channels;
      for (int i = 0; i < count; ++i) {
        sums[static_cast<std::size_t>(i)] += row[i];
      }
    }
    T* target = out.ptr<T>(y) + reach * channels;
    for (int i = 0; i < count; ++i) {
      target[i] = static_cast<T>(sums[static_cast<std::size_t>(i)] / taps);
    }
  }
}

}  // namespace

void MotionBlur::run(const cv::Mat& in, cv::Mat& out, const Region& region) const {
  const std::vector<WindowStep> steps = steps_along(length, angle);
  if (in.depth() == CV_8U) {
    average<std::uint8_t>(in, out, steps, length / 2, region.stop);
  } else {
    average<std::uint16_t>(in, out, steps, length / 2, region.stop);
  }
  if (region.transparency != nullptr) {
    weigh_steps(in, out, region, steps);
  }
}

}  // namespace tessera
