// SPDX-License-Identifier: Apache-2.0
// Pixels for the screen: small copies, conversions, histograms.
#pragma once

#include <QImage>
#include <array>
#include <cstdint>

#include "base/bytes.hpp"
#include "image/image.hpp"

namespace tessera::desktop {

/// The mean over areas. `to` is not bigger than the tile.
[[nodiscard]] Tile shrink(const Tile& tile, const Extent& to);
/// `extent` times `scale`, rounded up, at least one pixel.
[[nodiscard]] Extent scaled_extent(const Extent& extent, double scale);
/// 8 bits a channel for the screen, in sRGB where the ICC profile (may be empty) says what the numbers mean.
[[nodiscard]] QImage to_image(const Tile& tile, const Bytes& icc);

/// Samples by level on the scale 0..255.
struct Histogram {
  int channels = 0;  ///< 0: none, 1: gray, 3: red, green, blue
  std::array<std::array<std::uint32_t, 256>, 3> counts{};
};
[[nodiscard]] Histogram histogram_of(const Tile& tile);

}  // namespace tessera::desktop
