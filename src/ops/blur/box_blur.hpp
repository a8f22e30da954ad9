// box-blur: the mean of a square.
#pragma once

#include <opencv2/imgproc.hpp>

#include "ops/kinds.hpp"

namespace tessera {

struct BoxBlur : Bordered {
  int radius = 2;

  static constexpr OperatorInfo info{
      .name = "box-blur",
      .group = "Blur and denoise",
      .doc = "Softens the picture with the mean of a square around each pixel: quick, with a boxy look.",
      .definition = "Mean of (2 radius + 1)^2 pixels, rounded to nearest: cv::blur.",
      .example = "box-blur radius=3"};
  static constexpr auto params = std::tuple_cat(
      std::tuple{integer("radius", &BoxBlur::radius, "Pixels on each side of the middle one.",
                         {.min = 1, .max = 100, .slider_min = 1, .slider_max = 10, .unit = "px"})},
      border_params<BoxBlur>());

  [[nodiscard]] Halo halo() const { return Halo::all(radius); }
  void run(const cv::Mat& in, cv::Mat& out) const { cv::blur(in, out, {2 * radius + 1, 2 * radius + 1}); }
};

}  // namespace tessera
