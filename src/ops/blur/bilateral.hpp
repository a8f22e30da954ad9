// SPDX-License-Identifier: Apache-2.0
// bilateral: smooths and keeps edges.
#pragma once

#include "ops/kinds.hpp"

namespace tessera {

struct Bilateral : Bordered {
  int radius = 4;
  double sigma_color = 30;
  double sigma_space = 3;

  static constexpr OperatorInfo info{
      .name = "bilateral",
      .group = "Blur and denoise",
      .doc =
          "Smooths areas and keeps edges: neighbours count less the further they are in place and in colour.",
      .definition =
          "cv::bilateralFilter with d = 2 radius + 1 for 8-bit, as its vectors with FMA compute it. For "
          "16-bit the "
          "same weights, "
          "exp(-distance^2 / 2 sigma-space^2) exp(-difference^2 / 2 sigma-color^2) within the disc of the "
          "radius, the difference being the sum over channels of absolute differences, added in row order "
          "in double precision.",
      .example = "bilateral radius=4 sigma-color=30",
      .tolerance = 1,
      .tolerance_reason =
          "OpenCV sums the last columns, and all on processors without FMA, with other roundings"};
  static constexpr auto params = std::tuple_cat(
      std::tuple{
          integer("radius", &Bilateral::radius, "Pixels on each side of the middle one.",
                  {.min = 1, .max = 50, .slider_min = 1, .slider_max = 8, .unit = "px"}),
          number("sigma-color", &Bilateral::sigma_color, "How different a colour may be and still count.",
                 {.min = 0.1, .max = 255, .slider_min = 5, .slider_max = 100, .unit = "level"}),
          number("sigma-space", &Bilateral::sigma_space, "How far a pixel may be and still count.",
                 {.min = 0.1, .max = 100, .slider_min = 1, .slider_max = 8, .unit = "px"})},
      border_params<Bilateral>());

  [[nodiscard]] Halo halo() const { return Halo::all(radius); }
  void run(const cv::Mat& in, cv::Mat& out, const Region& region) const;
};

}  // namespace tessera
