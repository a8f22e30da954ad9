// SPDX-License-Identifier: Apache-2.0
// Turns and mirrors an image the way its EXIF orientation says.
#pragma once

#include <memory>

#include "codec/common/header.hpp"
#include "image/stream.hpp"

namespace tessera {

/// `stored` as it should be seen. Orientation 1 returns it as it is; 2 (mirrored) streams; 3 and 4 stream
/// where `stored` has random access; all others hold the whole image from the first read_rows on, which
/// `limits.max_buffered_bytes` bounds. `input` names the image in errors.
[[nodiscard]] std::unique_ptr<Source> orient(std::unique_ptr<Source> stored, int orientation,
                                             const Input& input, const ReadLimits& limits);

}  // namespace tessera
