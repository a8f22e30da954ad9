// SPDX-License-Identifier: Apache-2.0
// triangle: black and white at the foot of the histogram's peak.
#pragma once

#include "ops/kinds.hpp"
#include "ops/threshold/histogram.hpp"
#include "ops/threshold/threshold.hpp"

namespace tessera {

struct Triangle {
  static constexpr OperatorInfo info{
      .name = "triangle",
      .group = "Threshold",
      .doc =
          "Turns the picture black and white where the long tail of its histogram begins. Good for few "
          "bright things on a dark ground, or the reverse.",
      .definition =
          "Level of the histogram of the whole image farthest from the line between its peak and the end of "
          "its longer tail (G. W. Zack et al., 1977), as cv::threshold THRESH_BINARY | THRESH_TRIANGLE "
          "computes it; 16-bit the same with 65536 levels.",
      .example = "triangle",
      .gray_only = true};
  static constexpr std::tuple<> params{};
  static constexpr Merge merge = Merge::sum;

  [[nodiscard]] std::size_t slots(const ImageInfo& image) const { return histogram_bins(image.format); }
  void map(const cv::Mat& tile, std::span<std::uint64_t> slots, const Region& region) const {
    add_histogram(tile, 0, region.transparency, slots);
  }
  [[nodiscard]] BinarizeAt finish(std::span<const std::uint64_t> histogram, const ImageInfo&) const {
    return {.threshold = triangle_threshold(histogram)};
  }
};

}  // namespace tessera
