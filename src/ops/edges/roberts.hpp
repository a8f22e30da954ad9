// SPDX-License-Identifier: Apache-2.0
// roberts: differences along the two diagonals of 2x2 pixels.
#pragma once

#include <cmath>
#include <opencv2/core.hpp>

#include "ops/kinds.hpp"

namespace tessera {

struct Roberts : Bordered {
  static constexpr OperatorInfo info{
      .name = "roberts",
      .group = "Edges and features",
      .doc = "Shows fine edges from differences along the two diagonals of 2x2 pixels.",
      .definition =
          "round(sqrt((p - se)^2 + (e - s)^2)) saturated, in every channel, with the pixels to the east, "
          "south "
          "and south-east of p (L. Roberts, 1963).",
      .example = "roberts"};
  static constexpr auto params = border_params<Roberts>();

  [[nodiscard]] Halo halo() const { return {0, 0, 1, 1}; }
  void run(const cv::Mat& in, cv::Mat& out) const {
    if (in.depth() == CV_8U) {
      filter<std::uint8_t, float>(in, out);
    } else {
      filter<std::uint16_t, double>(in, out);
    }
  }

 private:
  template <class T, class Real>
  static void filter(const cv::Mat& in, cv::Mat& out) {
    const int channels = in.channels();
    for (int y = 0; y < in.rows - 1; ++y) {
      const T* row = in.ptr<T>(y);
      const T* below = in.ptr<T>(y + 1);
      T* target = out.ptr<T>(y);
      for (int i = 0; i < (in.cols - 1) * channels; ++i) {
        const auto a = static_cast<Real>(row[i] - below[i + channels]);
        const auto b = static_cast<Real>(row[i + channels] - below[i]);
        target[i] = cv::saturate_cast<T>(std::sqrt(a * a + b * b));
      }
    }
  }
};

}  // namespace tessera
