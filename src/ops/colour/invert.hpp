// SPDX-License-Identifier: Apache-2.0
// invert: the photographic negative.
#pragma once

#include <opencv2/core.hpp>

#include "ops/kinds.hpp"

namespace tessera {

struct Invert {
  static constexpr OperatorInfo info{.name = "invert",
                                     .group = "Colour",
                                     .doc = "Turns the picture into its negative.",
                                     .definition = "out = max - in in every channel (cv::bitwise_not).",
                                     .example = "invert"};
  static constexpr std::tuple<> params{};

  void run(const cv::Mat& in, cv::Mat& out) const { cv::bitwise_not(in, out); }
};

}  // namespace tessera
