// What an image is: its extent, how a pixel is stored, and the tiles it is cut into.
#pragma once

#include <cstdint>
#include <opencv2/core/mat.hpp>
#include <string>

#include "core/geometry.hpp"

namespace tessera {

/// Bits of one sample. Samples are unsigned integers over the full range.
enum class Depth : std::uint8_t { u8, u16 };

/// Samples are interleaved in the order R, G, B. Alpha, where there is one, is a plane of its own, so that
/// kernels only ever see 1 or 3 channels and alpha is carried past them untouched.
struct PixelFormat {
  Depth depth = Depth::u8;
  int channels = 3;  ///< colour channels: 1 (gray) or 3 (RGB); alpha is not counted
  bool alpha = false;

  [[nodiscard]] int max_value() const { return depth == Depth::u8 ? 255 : 65535; }
  [[nodiscard]] int bytes_per_sample() const { return depth == Depth::u8 ? 1 : 2; }
  [[nodiscard]] int bytes_per_pixel() const { return bytes_per_sample() * (channels + (alpha ? 1 : 0)); }
  /// OpenCV type of the colour plane, CV_8UC1 to CV_16UC3.
  [[nodiscard]] int color_type() const { return CV_MAKETYPE(depth == Depth::u8 ? CV_8U : CV_16U, channels); }
  /// OpenCV type of the alpha plane.
  [[nodiscard]] int alpha_type() const { return depth == Depth::u8 ? CV_8UC1 : CV_16UC1; }
  /// Parameters in "levels" are on the 8-bit scale 0..255; this is the factor to this format's own scale.
  [[nodiscard]] double level_scale() const { return depth == Depth::u8 ? 1.0 : 257.0; }
  /// Words for people: "8-bit RGB with alpha".
  [[nodiscard]] std::string describe() const {
    return std::string(depth == Depth::u8 ? "8-bit " : "16-bit ") + (channels == 1 ? "gray" : "RGB") +
           (alpha ? " with alpha" : "");
  }
  bool operator==(const PixelFormat&) const = default;
};

struct ImageInfo {
  Extent extent;
  PixelFormat format;
  [[nodiscard]] std::int64_t row_bytes() const { return extent.width * format.bytes_per_pixel(); }
  [[nodiscard]] std::int64_t bytes() const { return row_bytes() * extent.height; }
  bool operator==(const ImageInfo&) const = default;
};

/// A rectangle of an image with its pixels. `rect` is in the whole image's coordinates; `color` and `alpha`
/// are rect.height x rect.width, and `alpha` is empty where the format has none. The planes may have a row
/// stride longer than their width. Copying a tile copies headers, not pixels.
struct Tile {
  Rect rect;
  cv::Mat color;
  cv::Mat alpha;

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
