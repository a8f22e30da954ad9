// SPDX-License-Identifier: Apache-2.0
// The level below in a pyramid: a picture half as large. Not in the catalogue.
#pragma once

#include "ops/operator.hpp"

namespace tessera {

/// Every pixel is the mean of two by two, in whole numbers, halves rounded up; beyond the right and lower edge
/// the last column and row count twice. Colours are weighed by alpha; where it is 0 in all four they are 0.
struct Halve {
  static constexpr OperatorInfo info{.name = "halve",
                                     .group = "Geometry",
                                     .doc = "Makes the picture half as large.",
                                     .definition = "The mean of two by two pixels.",
                                     .example = ""};
  static constexpr AlphaRule alpha_rule = AlphaRule::weighed;
  static constexpr bool reads_alpha = true;
  static constexpr auto params = std::tuple{};

  [[nodiscard]] Extent result_extent(Extent in) const { return {(in.width + 1) / 2, (in.height + 1) / 2}; }
  [[nodiscard]] Rect needs(const Rect& out, Extent in) const {
    const std::int64_t right = std::min(in.width, 2 * (out.x + out.width));
    const std::int64_t bottom = std::min(in.height, 2 * (out.y + out.height));
    return {2 * out.x, 2 * out.y, right - 2 * out.x, bottom - 2 * out.y};
  }
  void run(const cv::Mat& in, cv::Mat& out, const Region& region) const;
};

}  // namespace tessera
