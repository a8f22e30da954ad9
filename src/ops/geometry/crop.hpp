// SPDX-License-Identifier: Apache-2.0
// crop: a rectangle of the picture.
#pragma once

#include <string>
#include <string_view>

#include "ops/geometry/gravity.hpp"
#include "ops/geometry/move.hpp"

namespace tessera {

struct Crop {
  int x = 0;
  int y = 0;
  int width = 0;
  int height = 0;
  std::string aspect = {};
  Gravity gravity = Gravity::center;

  static constexpr OperatorInfo info{
      .name = "crop",
      .group = "Geometry",
      .doc =
          "Cuts out a rectangle, by place and size or by proportions. A width or height of 0 reaches to the "
          "edge.",
      .definition =
          "out(i, j) = in(x + i, y + j). A rectangle that reaches outside the picture is refused. aspect=W:H "
          "takes the largest rectangle of these proportions, rounded to whole pixels, at the side or corner that "
          "gravity names.",
      .example = "crop x=100 y=50 width=640 height=480"};
  static constexpr Limits place{
      .min = 0, .max = 2147483646, .slider_min = 0, .slider_max = 4000, .unit = "px"};
  static constexpr auto params =
      std::tuple{integer("x", &Crop::x, "Left edge.", place),
                 integer("y", &Crop::y, "Top edge.", place),
                 integer("width", &Crop::width, "Width; 0: up to the right edge.", place),
                 integer("height", &Crop::height, "Height; 0: up to the bottom.", place),
                 text("aspect", &Crop::aspect,
                      "Proportions such as 3:2 or 1.91:1, instead of place and size; empty: not used."),
                 choice("gravity", &Crop::gravity, "What stays when the picture is cut to proportions.")};
  static constexpr bool random_parameters = false;

  /// "3:2", "640x480" or a gravity.
  static Json shorthand(std::string_view word);
  static std::vector<Crop> samples(Extent in);
  [[nodiscard]] Extent result_extent(Extent in) const {
    const Rect part = rectangle(in);
    return {part.width, part.height};
  }
  [[nodiscard]] Rect needs(const Rect& out, Extent in) const {
    const Rect part = rectangle(in);
    return {out.x + part.x, out.y + part.y, out.width, out.height};
  }
  void run(const cv::Mat& in, cv::Mat& out, const Region& region) const {
    const Rect part = rectangle(region.image.extent);
    move_pixels(
        in, out, region, [&](std::int64_t column) { return column + part.x; },
        [&](std::int64_t row) { return row + part.y; });
  }

 private:
  /// Throws Error(bad_parameter) if it does not lie inside the picture.
  [[nodiscard]] Rect rectangle(Extent in) const;
};

}  // namespace tessera
