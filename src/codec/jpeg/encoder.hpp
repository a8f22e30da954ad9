// SPDX-License-Identifier: Apache-2.0
// Makes JPEGs in memory, by libjpeg-turbo.
#pragma once

#include <cstddef>

#include "base/bytes.hpp"
#include "image/image.hpp"
#include "image/stream.hpp"
#include "schema/param.hpp"

namespace tessera {

struct JpegSettings {
  int quality = 85;                    ///< 1..100
  Color background = {255, 255, 255};  ///< what is transparent shows it
  int restart_rows = 0;                ///< rows of MCUs between restart markers; 0: none
};

/// Whether chroma is halved in both directions (4:2:0).
[[nodiscard]] bool jpeg_halves_chroma(int channels, int quality);

/// The picture as a JFIF file, reduced to 8 bits and without alpha. Sides up to 65500 pixels. Thread-safe. Throws
/// Error(internal) if libjpeg-turbo fails.
[[nodiscard]] Bytes encode_jpeg(const Tile& picture, const JpegSettings& settings);

/// Bytes of the start of image and the JFIF segment, with which such a file begins: metadata belong behind them.
inline constexpr std::size_t jpeg_head_bytes = 20;

/// EXIF, XMP, IPTC and the profile as segments of a JPEG.
[[nodiscard]] Bytes jpeg_metadata_segments(const Metadata& metadata);

}  // namespace tessera
