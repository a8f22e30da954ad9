// SPDX-License-Identifier: Apache-2.0
// motion-blur: as if the camera had moved along a line.
#pragma once

#include "ops/kinds.hpp"

namespace tessera {

struct MotionBlur : Bordered {
  int length = 15;
  double angle = 0;

  static constexpr OperatorInfo info{
      .name = "motion-blur",
      .group = "Blur and denoise",
      .doc = "Smears the picture along a line, as if the camera had moved.",
      .definition =
          "Mean, rounded to nearest, of `length` pixels at t = i - (length-1)/2 for i = 0..length-1, each at "
          "(round(t cos angle), round(-t sin angle)) from the middle, halves rounded away from zero.",
      .example = "motion-blur length=15 angle=30"};
  static constexpr AlphaRule alpha_rule = AlphaRule::window;
  static constexpr bool reads_alpha = true;
  static constexpr auto params = std::tuple_cat(
      std::tuple{integer("length", &MotionBlur::length, "Length of the line.",
                         {.min = 2, .max = 200, .slider_min = 2, .slider_max = 40, .unit = "px"}),
                 number("angle", &MotionBlur::angle, "Direction; 0 is to the right, 90 upwards.",
                        {.min = -360, .max = 360, .slider_min = -90, .slider_max = 90, .unit = "degrees"})},
      border_params<MotionBlur>());

  [[nodiscard]] Halo halo() const { return Halo::all(length / 2); }
  void run(const cv::Mat& in, cv::Mat& out, const Region& region) const;
};

}  // namespace tessera
