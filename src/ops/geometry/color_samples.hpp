// SPDX-License-Identifier: Apache-2.0
// A colour as a picture's samples hold it: for what appears around a picture.
#pragma once

#include <cmath>
#include <opencv2/core/types.hpp>

#include "ops/kinds.hpp"

namespace tessera {

/// `color` in a picture of that format, on gray ones its luma, rounded.
[[nodiscard]] inline cv::Scalar color_samples(Color color, const PixelFormat& format) {
  const double scale = format.level_scale();
  if (format.channels == 1) {
    return cv::Scalar::all(std::round(0.299 * color.red + 0.587 * color.green + 0.114 * color.blue) * scale);
  }
  return {color.red * scale, color.green * scale, color.blue * scale};
}

}  // namespace tessera
