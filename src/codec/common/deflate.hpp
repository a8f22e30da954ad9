// SPDX-License-Identifier: Apache-2.0
// Deflate streams for PNG and TIFF.
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

}  // namespace tessera
