// SPDX-License-Identifier: Apache-2.0
// median: removes specks and keeps edges.
#pragma once

#include "ops/kinds.hpp"

namespace tessera {

struct Median : Bordered {
  int size = 5;

  static constexpr OperatorInfo info{
      .name = "median",
      .group = "Blur and denoise",
      .doc =
          "Removes specks and keeps edges: each pixel becomes the middle one of its neighbours by "
          "brightness.",
      .definition =
          "Median of size x size pixels in every channel: cv::medianBlur for 8-bit, and for 16-bit of size 3 "
          "and 5; the same by selection for 16-bit beyond that.",
      .example = "median size=5"};
  static constexpr auto params = std::tuple_cat(
      std::tuple{integer("size", &Median::size, "Side of the square.",
                         {.min = 3, .max = 31, .slider_min = 3, .slider_max = 9, .unit = "px", .odd = true})},
      border_params<Median>());

  [[nodiscard]] Halo halo() const { return Halo::all(size / 2); }
  /// OpenCV's filter for windows of more than 5 x 5 copies its input, with a border.
  [[nodiscard]] std::int64_t working_bytes(const ImageInfo& in, const Rect& part) const {
    const bool copies = in.format.depth == Depth::u8 && size > 5;
    return copies ? part.width * part.height * in.format.channels : 0;
  }
  void run(const cv::Mat& in, cv::Mat& out, const Region& region) const;
};

}  // namespace tessera
