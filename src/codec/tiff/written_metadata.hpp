// SPDX-License-Identifier: Apache-2.0
// Profile, EXIF, XMP, IPTC and resolution of a TIFF that libtiff writes.
#pragma once

#include <tiffio.h>

#include "codec/io/atomic_file.hpp"
#include "image/stream.hpp"

namespace tessera {

/// Before anything else is written of `tiff`, which lies in `file`. Throws Error(io).
void write_tiff_metadata(TIFF* tiff, AtomicFile& file, bool big_tiff, const Metadata& metadata);

}  // namespace tessera
