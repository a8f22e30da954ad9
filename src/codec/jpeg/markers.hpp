// SPDX-License-Identifier: Apache-2.0
// Walks the markers of a JPEG up to its first scan, before libjpeg sees it: the size, the kind, the metadata.
#pragma once

#include "codec/common/header.hpp"

namespace tessera {

struct JpegLayout {
  std::int64_t width = 0;
  std::int64_t height = 0;
  int components = 0;
  /// Size of all DCT coefficients, which libjpeg holds where the image comes in several scans.
  std::int64_t coefficient_bytes = 0;
  Metadata metadata;  ///< with the EXIF as stored
  int comments = 0;
  bool extended_xmp = false;  ///< has XMP beyond the main packet, which is not read
};

/// Throws Error: damaged_input, unsupported_input (lossless, hierarchical, 12 bits), limit_exceeded.
[[nodiscard]] JpegLayout scan_jpeg(const std::shared_ptr<const Input>& input, const ReadLimits& limits);

}  // namespace tessera
