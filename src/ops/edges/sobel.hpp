// sobel: how steeply brightness changes.
#pragma once

#include <opencv2/imgproc.hpp>

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
  void run(const cv::Mat& in, cv::Mat& out) const {
    // 5x5 on 8-bit reaches 48 * 255, which a short holds; 7x7 does not fit.
    const int depth = in.depth() == CV_16U ? CV_64F : size <= 5 ? CV_16S : CV_32F;
    cv::Mat gx;
    cv::Mat gy;
    if (direction != Direction::y) {
      cv::Sobel(in, gx, depth, 1, 0, size);
    }
    if (direction != Direction::x) {
      cv::Sobel(in, gy, depth, 0, 1, size);
    }
    store_gradient(gx, gy, direction, out);
  }
};

}  // namespace tessera
