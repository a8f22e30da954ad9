// SPDX-License-Identifier: Apache-2.0
// brightness-contrast: shifts and stretches all levels.
#pragma once

#include "ops/colour/level_table.hpp"
#include "ops/kinds.hpp"

namespace tessera {

struct BrightnessContrast {
  double brightness_level = 0;
  double contrast = 1;
  LazyLevelTable table = {};

  static constexpr OperatorInfo info{
      .name = "brightness-contrast",
      .group = "Colour",
      .doc = "Makes the picture brighter or darker and stretches or flattens its contrast.",
      .definition =
          "out = contrast (in - max / 2) + max / 2 + brightness in every channel, in double precision, "
          "rounded to nearest even and clamped.",
      .example = "brightness-contrast brightness=15 contrast=1.2"};
  static constexpr auto params = std::tuple{
      number("brightness", &BrightnessContrast::brightness_level, "What is added to every level.",
             {.min = -255, .max = 255, .slider_min = -100, .slider_max = 100, .unit = "level"}),
      number("contrast", &BrightnessContrast::contrast,
             "How far levels move away from middle gray: 0 leaves nothing but it, 1 changes nothing.",
             {.min = 0, .max = 100, .slider_min = 0, .slider_max = 3})};

  void run(const cv::Mat& in, cv::Mat& out) const {
    const Depth depth = depth_of(in);
    const PixelFormat format{.depth = depth};
    const double middle = format.max_value() / 2.0;
    const double shift = middle + brightness_level * format.level_scale();
    table.get(depth, [&](int level, int) { return contrast * (level - middle) + shift; }).apply(in, out);
  }
};

}  // namespace tessera
