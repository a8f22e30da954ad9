// SPDX-License-Identifier: Apache-2.0
// gaussian-otsu: softens, then separates dark from light.
#pragma once

#include "ops/blur/gaussian_blur.hpp"
#include "ops/operator.hpp"
#include "ops/threshold/otsu.hpp"

namespace tessera {

struct GaussianOtsu : GaussianBlur {
  static constexpr OperatorInfo info{
      .name = "gaussian-otsu",
      .group = "Threshold",
      .doc =
          "Softens away noise, then turns the picture black and white at the level that separates its dark "
          "and light parts best.",
      .definition = "gaussian-blur with these parameters, then otsu.",
      .example = "gaussian-otsu sigma=2"};

  [[nodiscard]] std::vector<Operator> expand() const {
    return {make_operator(static_cast<const GaussianBlur&>(*this)), make_operator(Otsu{})};
  }
};

}  // namespace tessera
