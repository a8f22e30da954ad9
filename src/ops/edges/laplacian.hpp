// SPDX-License-Identifier: Apache-2.0
// laplacian: second derivatives, strong on both sides of an edge.
#pragma once

#include <opencv2/imgproc.hpp>

#include "ops/edges/gradient.hpp"

namespace tessera {

struct Laplacian : Bordered {
  int size = 3;

  static constexpr OperatorInfo info{
      .name = "laplacian",
      .group = "Edges and features",
      .doc = "Shows where brightness bends: fine detail and both sides of edges.",
      .definition =
          "Absolute value, saturated, of cv::Laplacian of that size (1 is the cross-shaped 3x3 kernel).",
      .example = "laplacian size=3"};
  static constexpr auto params = std::tuple_cat(
      std::tuple{integer("size", &Laplacian::size, "Side of the kernel.",
                         {.min = 1, .max = 5, .slider_min = 1, .slider_max = 5, .unit = "px", .odd = true})},
      border_params<Laplacian>());

  [[nodiscard]] Halo halo() const { return Halo::all(std::max(1, size / 2)); }
  [[nodiscard]] std::int64_t working_bytes(const ImageInfo& in, const Rect& part) const {
    const std::int64_t bytes = in.format.depth == Depth::u16 ? sizeof(double)
                               : size <= 3                   ? sizeof(std::int16_t)
                                                             : sizeof(float);
    return part.width * part.height * in.format.channels * bytes;
  }
  void run(const cv::Mat& in, cv::Mat& out) const {
    const int depth = in.depth() == CV_16U ? CV_64F : size <= 3 ? CV_16S : CV_32F;
    cv::Mat second;
    cv::Laplacian(in, second, depth, size);
    store_gradient(second, second, Direction::x, out);
  }
};

}  // namespace tessera
