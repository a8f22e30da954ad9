// SPDX-License-Identifier: Apache-2.0
// Whether there is anything to do about transparency.
#pragma once

#include <cstdint>
#include <opencv2/core/mat.hpp>

namespace tessera {

/// Whether every sample of the plane (CV_8UC1 or CV_16UC1) is the largest there is. An empty plane is opaque.
[[nodiscard]] bool is_opaque(const cv::Mat& alpha);

/// For Region::transparency: `alpha`, or null if it is opaque. `alpha` must outlive the region.
[[nodiscard]] inline const cv::Mat* transparency_of(const cv::Mat& alpha) {
  return is_opaque(alpha) ? nullptr : &alpha;
}

/// Whether the pixel of `alpha` (CV_8UC1 or CV_16UC1) is fully transparent.
[[nodiscard]] inline bool is_transparent(const cv::Mat& alpha, int y, int x) {
  return alpha.depth() == CV_8U ? alpha.at<std::uint8_t>(y, x) == 0 : alpha.at<std::uint16_t>(y, x) == 0;
}

}  // namespace tessera
