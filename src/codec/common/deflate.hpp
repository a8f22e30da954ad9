// SPDX-License-Identifier: Apache-2.0
// Deflate streams for PNG, TIFF and OME-Zarr.
#pragma once

#include <cstdint>
#include <span>

#include "base/bytes.hpp"

namespace tessera {

/// Deflates `raw` alone (RFC 1951, libisal's level 1, no zlib header): whole bytes ending in a full flush
/// without a final block, so that pieces joined are one stream. The same input gives the same bytes, wherever
/// the caller's stack and the input lie in memory, and on every x86-64 processor with SSE 4.2. Throws
/// Error(internal) if libisal refuses.
Bytes deflate_piece(std::span<const std::uint8_t> raw);

/// `raw` as a complete zlib stream (RFC 1950) by libdeflate. `level`: 1 to max_deflate_level. The same input gives the
/// same bytes. Throws Error(internal) if there is no memory for it.
[[nodiscard]] Bytes zlib_compress(std::span<const std::byte> raw, int level);
/// The reverse. False unless `stream` is sound and holds exactly the bytes that `raw` has room for.
[[nodiscard]] bool zlib_decompress(std::span<const std::byte> stream, std::span<std::byte> raw);

}  // namespace tessera
