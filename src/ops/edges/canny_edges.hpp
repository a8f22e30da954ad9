// SPDX-License-Identifier: Apache-2.0
// Canny's edges of a gray image held in bands: shared by the operators that start from edges.
#pragma once

#include "ops/kinds.hpp"

namespace tessera {

struct CannySettings {
  double low = 50;    ///< weak edges are above this gradient magnitude, 8-bit scale
  double high = 150;  ///< strong edges are above this; the two are swapped if low > high
  int aperture = 3;   ///< of the Sobel operator: 3, 5 or 7
  bool l2_gradient = false;
};

/// Rows and columns around a pixel that its class depends on.
[[nodiscard]] inline int canny_reach(const CannySettings& settings) { return 1 + settings.aperture / 2; }

/// Of each pixel of `in` that is canny_reach() away from its edges: 0, or on a ridge of the gradient 1 (weak)
/// or 2 (strong), in the same place of `out`. `in` and `out` are CV_8UC1 or CV_16UC1; `in` covers region.in,
/// full rows of region.image and as much around them as the reach, continued outside the image by
/// replication. For 8-bit images as cv::Canny; for 16-bit the same definition in wider integers with
/// thresholds times 257.
void classify_edges(const cv::Mat& in, cv::Mat& out, const Region& region, const CannySettings& settings);

/// Hysteresis: strong pixels, and weak ones that an 8-connected path of weak ones joins to a strong one,
/// become the largest value of `edges` (CV_8UC1 or CV_16UC1, allocated), all others 0. `classes` (CV_8UC1)
/// are this rank's rows, as classify_edges makes them. Collective.
void link_edges(Frame& frame, const cv::Mat& classes, cv::Mat& edges);

/// Both: this rank's rows of the edge image, CV_8UC1, 0 or 255. `gray` is this rank's rows of a CV_8UC1 or
/// CV_16UC1 image, with its alpha where it has some: fully transparent pixels are no edges. Collective.
[[nodiscard]] cv::Mat canny_edges(Frame& frame, const Tile& gray, const CannySettings& settings);

}  // namespace tessera
