// SPDX-License-Identifier: Apache-2.0
// Blurs of pictures with alpha: means in which a pixel counts by its alpha too.
#pragma once

#include <span>

#include "ops/kinds.hpp"

namespace tessera {

/// Replaces, in region.out, every visible pixel of `out` whose window holds pixels that are not opaque by
///   sum of weight * alpha * colour / sum of weight * alpha,
/// rounded to nearest. The window is a square around the pixel, of weights[i] * weights[j]; the weights are
/// whole numbers, of which `weights` has an odd count. The sums are in double precision, down the columns
/// first. All other pixels stay as they are. region.transparency is not null; `in` and `out` cover region.in.
void weigh_square(const cv::Mat& in, cv::Mat& out, const Region& region, std::span<const double> weights);

/// A pixel of a window, from the one in its middle.
struct WindowStep {
  int dx;
  int dy;
};
/// The same for a window of equal weights along a line.
void weigh_steps(const cv::Mat& in, cv::Mat& out, const Region& region, std::span<const WindowStep> steps);

}  // namespace tessera
