// SPDX-License-Identifier: Apache-2.0
// otsu: black and white at the threshold that separates the histogram's two classes best.
#pragma once

#include "ops/kinds.hpp"
#include "ops/threshold/histogram.hpp"
#include "ops/threshold/threshold.hpp"

namespace tessera {

struct Otsu {
  static constexpr OperatorInfo info{
      .name = "otsu",
      .group = "Threshold",
      .doc = "Turns the picture black and white at the level that separates its dark and light parts best.",
      .definition =
          "Threshold that maximises the between-class variance of the histogram of the whole image (N. Otsu, "
          "1979), as cv::threshold THRESH_BINARY | THRESH_OTSU computes it.",
      .example = "otsu",
      .gray_only = true};
  static constexpr std::tuple<> params{};
  static constexpr Merge merge = Merge::sum;

  [[nodiscard]] std::size_t slots(const ImageInfo& image) const { return histogram_bins(image.format); }
  void map(const cv::Mat& tile, std::span<std::uint64_t> slots, const Region& region) const {
    add_histogram(tile, 0, region.transparency, slots);
  }
  [[nodiscard]] BinarizeAt finish(std::span<const std::uint64_t> histogram, const ImageInfo&) const {
    return {.threshold = otsu_threshold(histogram)};
  }
};

}  // namespace tessera
