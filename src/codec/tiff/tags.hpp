// SPDX-License-Identifier: Apache-2.0
// What a TIFF's tags say beside the pixels: camera, author, place, captions. libtiff knows only some of them.
#pragma once

#include <string>
#include <vector>

#include "codec/common/header.hpp"
#include "codec/metadata/exif_block.hpp"

namespace tessera {

struct TiffTags {
  Bytes exif;  ///< a block of its own; empty if there is nothing in it
  Bytes iptc;
  std::vector<std::string> warnings;  ///< tags that are not carried over
};

/// Of the first page. Throws Error(limit_exceeded) if there are too many or too long ones.
[[nodiscard]] TiffTags read_tiff_tags(const Input& input, const ReadLimits& limits);

}  // namespace tessera
