// SPDX-License-Identifier: Apache-2.0
// Between pixels as the library shows them and tiles as the engine holds them.
#pragma once

#include "image/image.hpp"
#include "tessera/pixels.hpp"

namespace tessera {

/// Shares the memory where there is no alpha; copies otherwise, because alpha is a plane of its own in tiles.
[[nodiscard]] Tile tile_of(const Pixels& pixels);
/// The same the other way. What is shared lives as long as the pixels.
[[nodiscard]] Pixels pixels_of(const Tile& tile);

}  // namespace tessera
