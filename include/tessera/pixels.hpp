// SPDX-License-Identifier: Apache-2.0
// What an image is: its extent, how a pixel is stored, and pixels in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "tessera/export.hpp"
#include "tessera/geometry.hpp"

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

/// An image in memory: rows from top to bottom, in each the samples of a pixel side by side (gray, gray and
/// alpha, RGB, or RGB and alpha; alpha is not multiplied into the colours), 16-bit samples in the machine's
/// byte order. Copies share their memory.
class TESSERA_API Pixels {
 public:
  /// None.
  Pixels() = default;
  /// Fresh memory, not initialised. Throws std::bad_alloc.
  explicit Pixels(const ImageInfo& info);
  /// Memory of the caller's, whose rows begin `row_bytes` apart. It must stay alive as long as this object,
  /// its copies and what is made of them, or as long as `owner`, of which they keep a copy.
  Pixels(const ImageInfo& info, std::byte* data, std::int64_t row_bytes,
         std::shared_ptr<const void> owner = {});

  [[nodiscard]] const ImageInfo& info() const { return info_; }
  [[nodiscard]] std::byte* data() const { return data_; }
  [[nodiscard]] std::int64_t row_bytes() const { return row_bytes_; }
  /// The first byte of row `y`, 0 <= y < info().extent.height.
  [[nodiscard]] std::byte* row(std::int64_t y) const { return data_ + y * row_bytes_; }
  /// What keeps the memory alive.
  [[nodiscard]] const std::shared_ptr<const void>& owner() const { return owner_; }

 private:
  ImageInfo info_;
  std::byte* data_ = nullptr;
  std::int64_t row_bytes_ = 0;
  std::shared_ptr<const void> owner_;
};

}  // namespace tessera
