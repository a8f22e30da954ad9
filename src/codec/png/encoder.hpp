// SPDX-License-Identifier: Apache-2.0
// What PNGs are made of, and small ones in memory.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.hpp"
#include "image/image.hpp"

namespace tessera {

/// Rows as they are compressed, each behind the number of its filter.
using PngRows = std::vector<std::uint8_t, UninitializedAllocator<std::uint8_t>>;

/// Each row by the lighter of the filters Sub and Up; the first by Sub, so that pieces of a picture do not need each
/// other.
[[nodiscard]] PngRows filter_png_rows(const Tile& rows);

/// The signature and the header of a picture without a palette.
[[nodiscard]] Bytes png_head(const ImageInfo& info);
inline constexpr std::size_t png_head_bytes = 33;

/// A whole PNG without metadata, which belong behind its head. `level`: of libdeflate. Thread-safe.
[[nodiscard]] Bytes encode_png(const Tile& picture, int level);

}  // namespace tessera
