// SPDX-License-Identifier: Apache-2.0
// What the compressions of a TIFF are in its tags.
#pragma once

#include <tiff.h>

#include <cstdint>

#include "schema/output_options.hpp"

namespace tessera {

[[nodiscard]] constexpr std::uint16_t compression_code(TiffCompression compression) {
  switch (compression) {
    case TiffCompression::none:
      return COMPRESSION_NONE;
    case TiffCompression::lzw:
      return COMPRESSION_LZW;
    case TiffCompression::deflate:
      return COMPRESSION_ADOBE_DEFLATE;
    case TiffCompression::zstd:
      return COMPRESSION_ZSTD;
    case TiffCompression::jpeg:
      return COMPRESSION_JPEG;
    case TiffCompression::webp:
      return COMPRESSION_WEBP;
  }
  return COMPRESSION_NONE;
}

/// Whether what is compressed are horizontal differences.
[[nodiscard]] constexpr bool has_predictor(TiffCompression compression) {
  return compression == TiffCompression::lzw || compression == TiffCompression::deflate ||
         compression == TiffCompression::zstd;
}

}  // namespace tessera
