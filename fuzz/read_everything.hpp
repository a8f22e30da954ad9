// SPDX-License-Identifier: Apache-2.0
// What the fuzz targets of the readers share.
#pragma once

#include <cstdlib>
#include <span>

#include "base/error.hpp"
#include "codec/reader.hpp"

namespace tessera::fuzz {

/// Opens and reads to the end. An Error is a fine answer unless it tells of a defect.
inline void read_everything(std::span<const std::byte> bytes, bool salvage) {
  ReadOptions options;
  options.salvage = salvage;
  // Small, so that a run is over quickly.
  options.limits.max_pixels = 1 << 20;
  options.limits.max_buffered_bytes = 64 << 20;
  options.limits.max_metadata_bytes = 1 << 20;
  options.limits.expansion_free_bytes = 8 << 20;
  options.limits.max_scans = 10;
  try {
    const auto source = open_image(bytes, options);
    const ImageInfo info = source->info();
    constexpr std::int64_t strip_rows = 16;
    for (std::int64_t y = 0; y < info.extent.height; y += strip_rows) {
      const Interval rows{y, std::min(y + strip_rows, info.extent.height)};
      Tile strip = Tile::allocate(Rect::of_rows(rows, info.extent.width), info.format);
      source->read_rows(strip);
    }
  } catch (const Error& error) {
    if (error.code() == ErrorCode::internal) {
      std::abort();
    }
  }
}

}  // namespace tessera::fuzz
