// SPDX-License-Identifier: Apache-2.0
// The size of a picture that its reader has reduced.
#pragma once

#include "image/image.hpp"

namespace tessera {

/// Of a picture of size `full` after Source::reduce(factor): pixel (x, y) stands for the full picture's pixels from
/// (x factor, y factor) on, of which the last may be fewer.
[[nodiscard]] constexpr Extent reduced_extent(const Extent& full, int factor) {
  return {(full.width + factor - 1) / factor, (full.height + factor - 1) / factor};
}

}  // namespace tessera
