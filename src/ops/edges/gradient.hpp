// SPDX-License-Identifier: Apache-2.0
// What the edge operators share: directions, and the length of a gradient.
#pragma once

#include <opencv2/core/mat.hpp>

#include "ops/kinds.hpp"

namespace tessera {

enum class Direction : std::uint8_t { both, x, y };

template <>
struct EnumNames<Direction> {
  static constexpr std::array names{std::pair{Direction::both, std::string_view("both")},
                                    std::pair{Direction::x, std::string_view("x")},
                                    std::pair{Direction::y, std::string_view("y")}};
};

/// Derivatives as OpenCV's separable filters give them: whole numbers, CV_16S where they fit (`narrow`), else
/// CV_32F or CV_64F. `out` becomes round(sqrt(gx^2 + gy^2)), or the absolute value of one of them, saturated.
void store_gradient(const cv::Mat& gx, const cv::Mat& gy, Direction direction, cv::Mat& out);

}  // namespace tessera
