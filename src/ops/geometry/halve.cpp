// SPDX-License-Identifier: Apache-2.0
#include "ops/geometry/halve.hpp"

#include <algorithm>
#include <array>

namespace tessera {
namespace {

template <class T>
void halve(const cv::Mat& in, cv::Mat& out, const cv::Mat* alpha) {
  const int channels = in.channels();
  for (int y = 0; y < out.rows; ++y) {
    const std::array<int, 2> rows{2 * y, std::min(2 * y + 1, in.rows - 1)};
    const std::array<const T*, 2> from{in.ptr<T>(rows[0]), in.ptr<T>(rows[1])};
    std::array<const T*, 2> weights{};
    if (alpha != nullptr) {
      weights = {alpha->ptr<T>(rows[0]), alpha->ptr<T>(rows[1])};
    }
    T* to = out.ptr<T>(y);
    for (int x = 0; x < out.cols; ++x) {
      const std::array<int, 2> columns{2 * x, std::min(2 * x + 1, in.cols - 1)};
      for (int c = 0; c < channels; ++c) {
        std::uint64_t sum = 0;
        std::uint64_t weight = 0;
        for (int i = 0; i < 4; ++i) {
          const int column = columns.at(static_cast<std::size_t>(i % 2));
          const auto row = static_cast<std::size_t>(i / 2);
          const std::uint64_t part = alpha == nullptr ? 1 : weights.at(row)[column];
          sum += part * from.at(row)[column * channels + c];
          weight += part;
        }
        *to++ = static_cast<T>(weight == 0 ? 0 : (sum + weight / 2) / weight);
      }
    }
  }
}

}  // namespace

void Halve::run(const cv::Mat& in, cv::Mat& out, const Region& region) const {
  if (in.depth() == CV_8U) {
    halve<std::uint8_t>(in, out, region.transparency);
  } else {
    halve<std::uint16_t>(in, out, region.transparency);
  }
}

}  // namespace tessera
