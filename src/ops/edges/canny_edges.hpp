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

/// This rank's rows of the edge image: CV_8UC1, 0 or 255. `gray` is this rank's rows of a CV_8UC1 or CV_16UC1
/// image, alpha ignored. For 8-bit images the same pixels as cv::Canny on the whole image; for 16-bit the
/// same definition in wider integers with thresholds times 257. Collective.
[[nodiscard]] cv::Mat canny_edges(Frame& frame, const Tile& gray, const CannySettings& settings);

}  // namespace tessera
