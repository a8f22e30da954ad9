// SPDX-License-Identifier: Apache-2.0
// hue: turns all colours around the colour circle.
#pragma once

#include <cmath>
#include <numbers>
#include <opencv2/core/mat.hpp>

#include "ops/colour/color_matrix.hpp"
#include "ops/kinds.hpp"

namespace tessera {

struct Hue {
  double degrees = 90;

  static constexpr OperatorInfo info{
      .name = "hue",
      .group = "Colour",
      .doc = "Turns all colours around the colour circle; brightness and shades of gray stay.",
      .definition =
          "With Y = 0.299 R + 0.587 G + 0.114 B, U = 0.492 (B - Y) and V = 0.877 (R - Y), the point (U, V) "
          "is "
          "turned by the angle a: U' = U cos a - V sin a, V' = U sin a + V cos a (the rotation of I and Q in "
          "YIQ). Then R' = Y + V' / 0.877, B' = Y + U' / 0.492, G' = (Y - 0.299 R' - 0.114 B') / 0.587: as "
          "one 3x3 matrix in single precision, rounded to nearest even and clamped.",
      .example = "hue degrees=120"};
  static constexpr auto params = std::tuple{
      number("degrees", &Hue::degrees, "Angle of the turn; positive goes from red over yellow to green.",
             {.min = -360, .max = 360, .slider_min = -180, .slider_max = 180, .unit = "degrees"})};

  [[nodiscard]] ColorMatrix matrix() const {
    constexpr double u_scale = 0.492;
    constexpr double v_scale = 0.877;
    const double angle = degrees * std::numbers::pi / 180;
    ColorMatrix m{};
    // A column of the matrix is what a pure R, G or B of one becomes.
    for (std::size_t column = 0; column < 3; ++column) {
      const double y = luma_weights[column];
      const double u = u_scale * ((column == 2 ? 1 : 0) - y);
      const double v = v_scale * ((column == 0 ? 1 : 0) - y);
      const double red = y + (u * std::sin(angle) + v * std::cos(angle)) / v_scale;
      const double blue = y + (u * std::cos(angle) - v * std::sin(angle)) / u_scale;
      m[column] = red;
      m[3 + column] = (y - luma_weights[0] * red - luma_weights[2] * blue) / luma_weights[1];
      m[6 + column] = blue;
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
