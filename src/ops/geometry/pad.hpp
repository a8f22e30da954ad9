// SPDX-License-Identifier: Apache-2.0
// pad: a margin around the picture.
#pragma once

#include "ops/border.hpp"
#include "ops/geometry/color_samples.hpp"
#include "ops/geometry/move.hpp"

namespace tessera {

struct Pad {
  int left = 0;
  int top = 0;
  int right = 0;
  int bottom = 0;
  Border mode = Border::constant;
  Color fill = {0, 0, 0};

  static constexpr OperatorInfo info{
      .name = "pad",
      .group = "Geometry",
      .doc = "Adds a margin: of one colour, or continuing the picture.",
      .definition =
          "cv::copyMakeBorder with that border type. A colour margin is opaque; on gray pictures it has the "
          "colour's luma, 0.299 R + 0.587 G + 0.114 B rounded.",
      .example = "pad left=20 right=20 top=20 bottom=20 fill=white"};
  static constexpr Limits margin{.min = 0, .max = 100000, .slider_min = 0, .slider_max = 50, .unit = "px"};
  static constexpr auto params =
      std::tuple{integer("left", &Pad::left, "Columns added on the left.", margin),
                 integer("top", &Pad::top, "Rows added above.", margin),
                 integer("right", &Pad::right, "Columns added on the right.", margin),
                 integer("bottom", &Pad::bottom, "Rows added below.", margin),
                 choice("mode", &Pad::mode, "What the margin shows."),
                 color("fill", &Pad::fill, "Colour of the margin when mode=constant.")};

  [[nodiscard]] Extent result_extent(Extent in) const {
    return {in.width + left + right, in.height + top + bottom};
  }
  [[nodiscard]] Rect needs(const Rect& out, Extent in) const {
    Interval rows{in.height, 0};
    for (std::int64_t y = out.y; y < out.y + out.height; ++y) {
      const std::int64_t from = border_position(y - top, in.height, mode);
      if (from >= 0) {
        rows = {std::min(rows.begin, from), std::max(rows.end, from + 1)};
      }
    }
    // A strip of nothing but margin still gets a row, so that there is something to hold: the nearest, because
    // strips further down must not read rows further up if files that are read in order are to stream.
    if (rows.empty()) {
      rows = out.y < top ? Interval{0, 1} : Interval{in.height - 1, in.height};
    }
    return Rect::of_rows(rows, in.width);
  }
  void run(const cv::Mat& in, cv::Mat& out, const Region& region) const {
    if (mode == Border::constant) {
      out.setTo(region.alpha ? cv::Scalar::all(region.image.format.max_value())
                             : color_samples(fill, region.image.format));
    }
    move_pixels(
        in, out, region,
        [&](std::int64_t x) { return border_position(x - left, region.image.extent.width, mode); },
        [&](std::int64_t y) { return border_position(y - top, region.image.extent.height, mode); });
  }
};

}  // namespace tessera
