// SPDX-License-Identifier: Apache-2.0
// Operators that work on brightness alone: luma taken out of a picture, changed, and put back.
#pragma once

#include <opencv2/core/mat.hpp>

#include "tessera/geometry.hpp"
#include "tessera/pixels.hpp"

namespace tessera {

/// The picture itself if it is gray (sharing its pixels), else its luma as the operator grayscale gives it.
[[nodiscard]] cv::Mat luma_of(const cv::Mat& picture);

/// Bytes of the luma of such a picture, and of what it is changed to: none where it is gray.
[[nodiscard]] inline std::int64_t luma_bytes(const ImageInfo& in, const Rect& part) {
  return in.format.channels == 3 ? 2 * part.width * part.height * in.format.bytes_per_sample() : 0;
}

/// Gives every pixel of `in` (RGB) a new luma: out = in + (changed - luma) in R, G and B alike, clamped. That
/// keeps the differences R - Y and B - Y, so it is what replacing Y in YCrCb does, without the rounding on
/// the way there and back. `in` and `out` may be the same matrix.
void replace_luma(const cv::Mat& in, const cv::Mat& luma, const cv::Mat& changed, cv::Mat& out);

}  // namespace tessera
