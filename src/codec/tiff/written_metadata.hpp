// SPDX-License-Identifier: Apache-2.0
// Profile, EXIF, XMP, IPTC and resolution in the directory of a TIFF that is written.
#pragma once

#include "codec/tiff/directory.hpp"
#include "image/stream.hpp"

namespace tessera {

/// What stands apart from the first directory: EXIF's own directories, as they stand at `begin` of the file.
[[nodiscard]] Bytes tiff_exif_directories(const Metadata& metadata, std::uint64_t begin, bool big_tiff);

/// Adds the tags of `metadata` to the first directory, which refer to tiff_exif_directories() at `begin`.
void add_tiff_metadata(TiffDirectory& directory, const Metadata& metadata, std::uint64_t begin,
                       bool big_tiff);

}  // namespace tessera
