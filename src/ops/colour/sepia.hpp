// SPDX-License-Identifier: Apache-2.0
// sepia: the brown of old photographs.
#pragma once

#include <opencv2/core/mat.hpp>

#include "ops/colour/color_matrix.hpp"
#include "ops/kinds.hpp"

namespace tessera {

struct Sepia {
  double amount_percent = 100;

  static constexpr OperatorInfo info{
      .name = "sepia",
      .group = "Colour",
      .doc = "Tones the picture brown like an old photograph. Gray pictures become RGB.",
      .definition =
          "out = (1 - a) in + a S in, a = amount / 100, S = (0.393 0.769 0.189; 0.349 0.686 0.168; 0.272 "
          "0.534 0.131) on (R, G, B), gray as R = G = B: as one 3x3 matrix in single precision, rounded to "
          "nearest even and clamped. S with amount=100 is the usual sepia filter.",
      .example = "sepia amount=80"};
  static constexpr auto params =
      std::tuple{number("amount", &Sepia::amount_percent, "Strength of the tone: 0 keeps the colours.",
                        {.min = 0, .max = 100, .slider_min = 0, .slider_max = 100, .unit = "%"})};

  [[nodiscard]] PixelFormat result_format(PixelFormat in) const {
    in.channels = 3;
    return in;
  }
  [[nodiscard]] ColorMatrix matrix() const {
    constexpr ColorMatrix tone{0.393, 0.769, 0.189, 0.349, 0.686, 0.168, 0.272, 0.534, 0.131};
    const double amount = amount_percent / 100;
    ColorMatrix m{};
    for (std::size_t i = 0; i < m.size(); ++i) {
      m[i] = amount * tone[i] + (i % 4 == 0 ? 1 - amount : 0);
    }
    return m;
  }
  void run(const cv::Mat& in, cv::Mat& out) const { apply_color_matrix(matrix(), in, out); }
};

}  // namespace tessera
