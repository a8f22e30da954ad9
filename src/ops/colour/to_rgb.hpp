// SPDX-License-Identifier: Apache-2.0
// to-rgb: three equal channels from a gray one.
#pragma once

#include <opencv2/imgproc.hpp>

#include "ops/kinds.hpp"

namespace tessera {

struct ToRgb {
  static constexpr OperatorInfo info{
      .name = "to-rgb",
      .group = "Colour",
      .doc = "Stores a gray picture as RGB, looking the same. RGB pictures pass unchanged.",
      .definition = "R = G = B = gray (cv::cvtColor COLOR_GRAY2RGB).",
      .example = "grayscale | to-rgb"};
  static constexpr std::tuple<> params{};

  [[nodiscard]] PixelFormat result_format(PixelFormat in) const {
    in.channels = 3;
    return in;
  }
  void run(const cv::Mat& in, cv::Mat& out) const {
    if (in.channels() == 3) {
      in.copyTo(out);
    } else {
      cv::cvtColor(in, out, cv::COLOR_GRAY2RGB);
    }
  }
};

}  // namespace tessera
