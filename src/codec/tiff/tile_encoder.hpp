// SPDX-License-Identifier: Apache-2.0
// Compresses single tiles of a TIFF.
#pragma once

#include <cstdint>

#include "base/bytes.hpp"
#include "codec/writer.hpp"

namespace tessera {

/// Thread-safe.
class TileEncoder {
 public:
  /// Throws Error(limit_exceeded) if the compression cannot hold samples of this kind.
  TileEncoder(const PixelFormat& format, const TiffOptions& options, int quality);
  /// Pixels of a whole square tile, interleaved; they are changed.
  [[nodiscard]] Bytes encode(Bytes& pixels) const;
  /// Whether the parts of a tile outside the image continue its edge: what they are shows in lossy kinds.
  [[nodiscard]] bool continues_edges() const;
  /// JPEG: chroma is halved in both directions.
  [[nodiscard]] bool halves_chroma() const;
  /// JPEG: what is the same in all tiles and stands in the directory. Else empty.
  [[nodiscard]] const Bytes& jpeg_tables() const { return jpeg_tables_; }

 private:
  [[nodiscard]] Bytes deflate(Bytes& pixels) const;
  [[nodiscard]] Bytes encode_by_libtiff(Bytes& pixels, Bytes* jpeg_tables) const;

  PixelFormat format_;
  TiffOptions options_;
  int quality_;
  Bytes jpeg_tables_;
};

}  // namespace tessera
