// SPDX-License-Identifier: Apache-2.0
// non-local-means: removes grain by averaging places that look alike.
#pragma once

#include "ops/kinds.hpp"

namespace tessera {

struct NonLocalMeans : Bordered {
  double strength = 8;
  int template_radius = 3;
  int search_radius = 7;

  static constexpr OperatorInfo info{
      .name = "non-local-means",
      .group = "Blur and denoise",
      .doc = "Removes grain and keeps detail: each pixel is averaged with places nearby that look alike.",
      .definition =
          "A. Buades et al., 2005, as cv::fastNlMeansDenoising with windows of 2 radius + 1 pixels: all "
          "channels together, squared differences for 8-bit, absolute ones (NORM_L1) for 16-bit.",
      .example = "non-local-means strength=8"};
  static constexpr auto params = std::tuple_cat(
      std::tuple{number("strength", &NonLocalMeans::strength, "How different patches may be and still count.",
                        {.min = 0.5, .max = 100, .slider_min = 2, .slider_max = 25, .unit = "level"}),
                 integer("template-radius", &NonLocalMeans::template_radius, "Size of the patches compared.",
                         {.min = 1, .max = 7, .slider_min = 1, .slider_max = 3, .unit = "px"}),
                 integer("search-radius", &NonLocalMeans::search_radius, "How far away to look for them.",
                         {.min = 1, .max = 20, .slider_min = 2, .slider_max = 8, .unit = "px"})},
      border_params<NonLocalMeans>());

  [[nodiscard]] Halo halo() const { return Halo::all(template_radius + search_radius); }
  void run(const cv::Mat& in, cv::Mat& out, const Region& region) const;
};

}  // namespace tessera
