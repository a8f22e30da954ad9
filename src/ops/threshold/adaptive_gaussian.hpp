// SPDX-License-Identifier: Apache-2.0
// adaptive-gaussian: black and white against a weighted mean of each pixel's surroundings.
#pragma once

#include "ops/threshold/local_threshold.hpp"

namespace tessera {

struct AdaptiveGaussian : LocalThreshold {
  static constexpr OperatorInfo info{
      .name = "adaptive-gaussian",
      .group = "Threshold",
      .doc =
          "Turns the picture black and white by comparing each pixel with a mean around it in which near "
          "pixels count more, so that shadows and uneven light do not matter.",
      .definition =
          "out = in > mean - ceil(c) ? max : 0, mean = cv::GaussianBlur of the image in float with a kernel "
          "of block-size pixels and sigma 0, rounded to the nearest level, c on the image's own scale (times "
          "257 for 16-bit). Sigma 0 stands for 0.3 ((block-size - 1) / 2 - 1) + 0.8, and for blocks of 3, 5, "
          "7 and 9 for the weights (1 2 1) / 4, (1 4 6 4 1) / 16, (2 7 14 18 14 7 2) / 64 and (4 13 30 51 60 "
          "51 30 13 4) / 256. 8-bit with border=replicate: cv::adaptiveThreshold ADAPTIVE_THRESH_GAUSSIAN_C, "
          "THRESH_BINARY.",
      .example = "adaptive-gaussian block-size=31 c=5",
      .gray_only = true};
  static constexpr auto params = local_threshold_params<AdaptiveGaussian>();

  /// The levels as floats, and the mean.
  [[nodiscard]] std::int64_t working_bytes(const ImageInfo& in, const Rect& part) const {
    return part.width * part.height *
           (static_cast<std::int64_t>(sizeof(float)) + in.format.bytes_per_sample());
  }
  void run(const cv::Mat& in, cv::Mat& out) const;
};

}  // namespace tessera
