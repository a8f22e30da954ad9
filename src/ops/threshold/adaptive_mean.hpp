// SPDX-License-Identifier: Apache-2.0
// adaptive-mean: black and white against the mean of each pixel's surroundings.
#pragma once

#include "ops/threshold/local_threshold.hpp"

namespace tessera {

struct AdaptiveMean : LocalThreshold {
  static constexpr OperatorInfo info{
      .name = "adaptive-mean",
      .group = "Threshold",
      .doc =
          "Turns the picture black and white by comparing each pixel with the mean around it, so that "
          "shadows and uneven light do not matter.",
      .definition =
          "out = in > mean - ceil(c) ? max : 0, mean that of the block-size x block-size block around the "
          "pixel, exact and rounded to the nearest level, c on the image's own scale (times 257 for 16-bit). "
          "8-bit with border=replicate: cv::adaptiveThreshold ADAPTIVE_THRESH_MEAN_C, THRESH_BINARY.",
      .example = "adaptive-mean block-size=31 c=5",
      .gray_only = true};
  static constexpr auto params = local_threshold_params<AdaptiveMean>();

  void run(const cv::Mat& in, cv::Mat& out) const;
};

}  // namespace tessera
