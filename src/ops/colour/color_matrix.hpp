// SPDX-License-Identifier: Apache-2.0
// Linear maps of RGB to RGB: saturation, hue, sepia.
#pragma once

#include <array>
#include <opencv2/core/mat.hpp>

namespace tessera {

/// Row by row: out R, G, B from in R, G, B.
using ColorMatrix = std::array<double, 9>;

/// Weights of R, G and B in luma (ITU-R BT.601), as in the operator grayscale.
inline constexpr std::array<double, 3> luma_weights{0.299, 0.587, 0.114};

/// out = matrix * in, in single precision, summed from R to B, rounded to the nearest level (of two the even
/// one) and clamped. `out` has three channels; a gray `in` stands for R = G = B. `in` and `out` may be the
/// same matrix.
void apply_color_matrix(const ColorMatrix& matrix, const cv::Mat& in, cv::Mat& out);

}  // namespace tessera
