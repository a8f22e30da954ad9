// SPDX-License-Identifier: Apache-2.0
// flip: mirrors the picture.
#pragma once

#include "ops/geometry/move.hpp"

namespace tessera {

enum class FlipAxis : std::uint8_t { horizontal, vertical, both };

template <>
struct EnumNames<FlipAxis> {
  static constexpr std::array names{std::pair{FlipAxis::horizontal, std::string_view("horizontal")},
                                    std::pair{FlipAxis::vertical, std::string_view("vertical")},
                                    std::pair{FlipAxis::both, std::string_view("both")}};
};

struct Flip {
  FlipAxis axis = FlipAxis::horizontal;

  static constexpr OperatorInfo info{
      .name = "flip",
      .group = "Geometry",
      .doc = "Mirrors the picture: left and right (horizontal), top and bottom (vertical), or both.",
      .definition = "cv::flip with code 1 (horizontal), 0 (vertical) or -1 (both).",
      .example = "flip axis=vertical"};
  static constexpr auto params = std::tuple{choice("axis", &Flip::axis, "What changes places.")};

  [[nodiscard]] Extent result_extent(Extent in) const { return in; }
  [[nodiscard]] Rect needs(const Rect& out, Extent in) const {
    Rect rect = out;
    if (axis != FlipAxis::vertical) {
      rect.x = in.width - out.x - out.width;
    }
    if (axis != FlipAxis::horizontal) {
      rect.y = in.height - out.y - out.height;
    }
    return rect;
  }
  void run(const cv::Mat& in, cv::Mat& out, const Region& region) const {
    const Extent size = region.image.extent;
    move_pixels(
        in, out, region, [&](std::int64_t x) { return axis == FlipAxis::vertical ? x : size.width - 1 - x; },
        [&](std::int64_t y) { return axis == FlipAxis::horizontal ? y : size.height - 1 - y; });
  }
};

}  // namespace tessera
