// SPDX-License-Identifier: Apache-2.0
// grayscale: luma of an RGB picture.
#pragma once

#include <opencv2/imgproc.hpp>

#include "ops/kinds.hpp"

namespace tessera {

struct Grayscale {
  static constexpr OperatorInfo info{
      .name = "grayscale",
      .group = "Colour",
      .doc = "Turns colour into shades of gray. Gray pictures pass unchanged.",
      .definition =
          "Y = 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601) as cv::cvtColor COLOR_RGB2GRAY computes it.",
      .example = "grayscale"};
  static constexpr std::tuple<> params{};

  PixelFormat result_format(PixelFormat in) const {
    in.channels = 1;
    return in;
  }
  void run(const cv::Mat& in, cv::Mat& out) const {
    if (in.channels() == 1) {
      in.copyTo(out);
    } else {
      cv::cvtColor(in, out, cv::COLOR_RGB2GRAY);
    }
  }
};

}  // namespace tessera
