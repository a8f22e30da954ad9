// SPDX-License-Identifier: Apache-2.0
// crop: a rectangle of the picture.
#pragma once

#include <fmt/format.h>

#include "base/error.hpp"
#include "ops/geometry/move.hpp"

namespace tessera {

struct Crop {
  int x = 0;
  int y = 0;
  int width = 0;
  int height = 0;

  static constexpr OperatorInfo info{
      .name = "crop",
      .group = "Geometry",
      .doc = "Cuts out a rectangle. A width or height of 0 reaches to the edge.",
      .definition = "out(i, j) = in(x + i, y + j). A rectangle that reaches outside the picture is refused.",
      .example = "crop x=100 y=50 width=640 height=480"};
  static constexpr Limits place{
      .min = 0, .max = 2147483646, .slider_min = 0, .slider_max = 4000, .unit = "px"};
  static constexpr auto params =
      std::tuple{integer("x", &Crop::x, "Left edge.", place), integer("y", &Crop::y, "Top edge.", place),
                 integer("width", &Crop::width, "Width; 0: up to the right edge.", place),
                 integer("height", &Crop::height, "Height; 0: up to the bottom.", place)};
  static constexpr bool random_parameters = false;

  static std::vector<Crop> samples(Extent in) {
    const int w = static_cast<int>(in.width);
    const int h = static_cast<int>(in.height);
    return {{0, 0, 0, 0}, {w / 3, h / 4, (w + 2) / 3, 0}, {w - 1, h - 1, 1, 1}, {0, h / 2, 0, h - h / 2}};
  }
  [[nodiscard]] Extent result_extent(Extent in) const {
    const Extent out{width > 0 ? width : in.width - x, height > 0 ? height : in.height - y};
    if (out.width < 1 || out.height < 1 || x + out.width > in.width || y + out.height > in.height) {
      throw Error(
          ErrorCode::bad_parameter,
          fmt::format(
              "crop: the rectangle at x={} y={} of {}x{} pixels reaches outside the picture, which has "
              "{}x{}. Choose one inside it.",
              x, y, width, height, in.width, in.height));
    }
    return out;
  }
  [[nodiscard]] Rect needs(const Rect& out, Extent) const {
    return {out.x + x, out.y + y, out.width, out.height};
  }
  void run(const cv::Mat& in, cv::Mat& out, const Region& region) const {
    move_pixels(
        in, out, region, [this](std::int64_t column) { return column + x; },
        [this](std::int64_t row) { return row + y; });
  }
};

}  // namespace tessera
