// SPDX-License-Identifier: Apache-2.0
// Chunks of a PNG, and those that hold its metadata.
#pragma once

#include <cstdint>

#include "image/stream.hpp"

namespace tessera {

void put_big_endian(std::byte* at, std::uint32_t value);

void append_png_chunk(Bytes& out, const char* type, const void* data, std::size_t size);

/// What stands between the header and the pixels: colours, resolution, EXIF, XMP and IPTC.
void append_png_metadata(Bytes& out, const Metadata& metadata);

}  // namespace tessera
