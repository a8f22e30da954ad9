// SPDX-License-Identifier: Apache-2.0
// saturate: stronger or weaker colours.
#pragma once

#include <opencv2/core/mat.hpp>

#include "ops/colour/color_matrix.hpp"
#include "ops/kinds.hpp"

namespace tessera {

struct Saturate {
  double factor = 1.5;

  static constexpr OperatorInfo info{
      .name = "saturate",
      .group = "Colour",
      .doc = "Makes colours stronger or weaker; the brightness stays. Gray pictures pass unchanged.",
      .definition =
          "out = Y + factor (in - Y) in R, G and B, with Y = 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601): as "
          "one 3x3 matrix in single precision, rounded to nearest even and clamped.",
      .example = "saturate factor=1.4"};
  static constexpr auto params = std::tuple{number(
      "factor", &Saturate::factor, "How strong colours become: 0 leaves shades of gray, 1 changes nothing.",
      {.min = 0, .max = 10, .slider_min = 0, .slider_max = 3})};

  [[nodiscard]] ColorMatrix matrix() const {
    ColorMatrix m{};
    for (std::size_t row = 0; row < 3; ++row) {
      for (std::size_t column = 0; column < 3; ++column) {
        m[3 * row + column] = (1 - factor) * luma_weights[column] + (row == column ? factor : 0);
      }
    }
    return m;
  }
  void run(const cv::Mat& in, cv::Mat& out) const {
    if (in.channels() == 1) {
      in.copyTo(out);
    } else {
      apply_color_matrix(matrix(), in, out);
    }
  }
};

}  // namespace tessera
