// SPDX-License-Identifier: Apache-2.0
// The tiles an image is cut into, and their pixels in OpenCV's matrices.
#pragma once

#include <opencv2/core/mat.hpp>

#include "tessera/geometry.hpp"
#include "tessera/pixels.hpp"

namespace tessera {

/// OpenCV type of the colour plane, CV_8UC1 to CV_16UC3.
[[nodiscard]] inline int color_type(const PixelFormat& format) {
  return CV_MAKETYPE(format.depth == Depth::u8 ? CV_8U : CV_16U, format.channels);
}
/// OpenCV type of the alpha plane.
[[nodiscard]] inline int alpha_type(const PixelFormat& format) {
  return format.depth == Depth::u8 ? CV_8UC1 : CV_16UC1;
}

/// A rectangle of an image with its pixels. `rect` is in the whole image's coordinates; `color` and `alpha`
/// are rect.height x rect.width, and `alpha` is empty where the format has none. The planes may have a row
/// stride longer than their width. Copying a tile copies headers, not pixels.
struct Tile {
  Rect rect;
  cv::Mat color;
  cv::Mat alpha;

  /// Extent and format of these pixels as a picture of their own.
  [[nodiscard]] ImageInfo info() const;
  /// A tile with fresh, uninitialised, contiguous planes.
  [[nodiscard]] static Tile allocate(const Rect& rect, const PixelFormat& format);
  /// The part of this tile that covers `part` (which must lie inside `rect`), sharing its pixels. The planes
  /// are headers that OpenCV takes for whole images: a filter on one never reads the pixels around it. This
  /// tile must outlive the view.
  [[nodiscard]] Tile view(const Rect& part) const;
};

/// A header over the same pixels that OpenCV does not know to be part of a bigger matrix. `mat` must outlive
/// it.
[[nodiscard]] cv::Mat standalone(const cv::Mat& mat, const cv::Rect& part);

/// Copies the pixels of `from` that both cover into `to`. Formats must be equal.
void copy_overlap(const Tile& from, Tile& to);

}  // namespace tessera
