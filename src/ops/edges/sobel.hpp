// SPDX-License-Identifier: Apache-2.0
// sobel: how steeply brightness changes.
#pragma once

#include "ops/edges/gradient.hpp"

namespace tessera {

struct Sobel : Bordered {
  int size = 3;
  Direction direction = Direction::both;

  static constexpr OperatorInfo info{
      .name = "sobel",
      .group = "Edges and features",
      .doc = "Shows edges: how steeply each channel changes from pixel to pixel.",
      .definition =
          "round(sqrt(gx^2 + gy^2)) saturated, in every channel, with gx and gy of cv::Sobel of that size; "
          "or "
          "|gx| or |gy| alone.",
      .example = "sobel size=3"};
  static constexpr auto params = std::tuple_cat(
      std::tuple{integer("size", &Sobel::size, "Side of the kernel.",
                         {.min = 3, .max = 7, .slider_min = 3, .slider_max = 7, .unit = "px", .odd = true}),
                 choice("direction", &Sobel::direction, "Changes across, along or in both directions.")},
      border_params<Sobel>());

  [[nodiscard]] Halo halo() const { return Halo::all(size / 2); }
  /// The derivatives, but where 3 x 3 ones of both directions are made row by row.
  [[nodiscard]] std::int64_t working_bytes(const ImageInfo& in, const Rect& part) const {
    const bool wide = in.format.depth == Depth::u16;
    const bool both = direction == Direction::both;
    const std::int64_t bytes = wide ? sizeof(double) : size <= 5 ? sizeof(std::int16_t) : sizeof(float);
    const bool by_rows = size == 3 && both && !wide;
    return by_rows ? 0 : (both ? 2 : 1) * part.width * part.height * in.format.channels * bytes;
  }
  void run(const cv::Mat& in, cv::Mat& out) const;
};

}  // namespace tessera
