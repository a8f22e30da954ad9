// SPDX-License-Identifier: Apache-2.0
// TIFF rows from strips or rows of tiles, which libtiff unpacks.
#pragma once

#include <memory>

#include "codec/common/rows.hpp"
#include "codec/tiff/file.hpp"

namespace tessera {

/// Gray or RGB of 1 to 16 bits, with or without alpha, interleaved or in planes, of any compression that
/// libtiff turns into samples. A strip or a row of tiles (of all planes) is unpacked at once and held.
/// Associated alpha is divided out, rounded; fewer than 8 bits are scaled to 8.
[[nodiscard]] std::unique_ptr<RowDecoder> make_tiff_unit_decoder(std::shared_ptr<TiffFile> file,
                                                                 const TiffLayout& layout, bool salvage);

}  // namespace tessera
