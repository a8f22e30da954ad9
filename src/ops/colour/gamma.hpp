// SPDX-License-Identifier: Apache-2.0
// gamma: brightens or darkens the middle tones.
#pragma once

#include <cmath>

#include "ops/colour/level_table.hpp"
#include "ops/kinds.hpp"

namespace tessera {

struct Gamma {
  double gamma = 2.2;
  LazyLevelTable table = {};

  static constexpr OperatorInfo info{
      .name = "gamma",
      .group = "Colour",
      .doc = "Brightens (above 1) or darkens (below 1) the middle tones; black and white stay.",
      .definition =
          "out = max (in / max)^(1 / gamma) in every channel, in double precision, rounded to nearest even.",
      .example = "gamma gamma=1.4"};
  static constexpr auto params =
      std::tuple{number("gamma", &Gamma::gamma, "The exponent's reciprocal: 1 changes nothing.",
                        {.min = 0.05, .max = 20, .slider_min = 0.2, .slider_max = 5})};

  void run(const cv::Mat& in, cv::Mat& out) const {
    const Depth depth = depth_of(in);
    const double full = level_count(depth) - 1;
    table.get(depth, [&](int level, int) { return full * std::pow(level / full, 1 / gamma); }).apply(in, out);
  }
};

}  // namespace tessera
