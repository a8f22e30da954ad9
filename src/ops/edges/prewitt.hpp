// SPDX-License-Identifier: Apache-2.0
// prewitt: like sobel, with plain means across the edge.
#pragma once

#include <opencv2/imgproc.hpp>

#include "ops/edges/gradient.hpp"

namespace tessera {

struct Prewitt : Bordered {
  Direction direction = Direction::both;

  static constexpr OperatorInfo info{
      .name = "prewitt",
      .group = "Edges and features",
      .doc = "Shows edges like sobel does, with less weight on the middle row and column.",
      .definition =
          "round(sqrt(gx^2 + gy^2)) saturated, in every channel; gx is cv::sepFilter2D with (-1 0 1) across "
          "and "
          "(1 1 1) down, gy its transpose; or |gx| or |gy| alone.",
      .example = "prewitt"};
  static constexpr auto params = std::tuple_cat(
      std::tuple{choice("direction", &Prewitt::direction, "Changes across, along or in both directions.")},
      border_params<Prewitt>());

  [[nodiscard]] Halo halo() const { return Halo::all(1); }
  [[nodiscard]] std::int64_t working_bytes(const ImageInfo& in, const Rect& part) const {
    const std::int64_t derivatives = direction == Direction::both ? 2 : 1;
    const std::int64_t bytes = in.format.depth == Depth::u16 ? sizeof(double) : sizeof(std::int16_t);
    return derivatives * part.width * part.height * in.format.channels * bytes;
  }
  void run(const cv::Mat& in, cv::Mat& out) const {
    const int depth = in.depth() == CV_16U ? CV_64F : CV_16S;
    const cv::Matx13f derivative(-1, 0, 1);
    const cv::Matx13f mean(1, 1, 1);
    cv::Mat gx;
    cv::Mat gy;
    if (direction != Direction::y) {
      cv::sepFilter2D(in, gx, depth, derivative, mean);
    }
    if (direction != Direction::x) {
      cv::sepFilter2D(in, gy, depth, mean, derivative);
    }
    store_gradient(gx, gy, direction, out);
  }
};

}  // namespace tessera
