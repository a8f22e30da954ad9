// SPDX-License-Identifier: Apache-2.0
// TIFF rows from strips or rows of tiles, which libtiff unpacks: gray or RGB of 1 to 16 bits, with or without alpha,
// interleaved or in planes, of any compression that libtiff turns into samples. Associated alpha is divided out,
// rounded; fewer than 8 bits are scaled to 8.
#pragma once

#include <memory>

#include "codec/common/rows.hpp"
#include "codec/tiff/file.hpp"

namespace tessera {

/// Strips and tiles are unpacked by the threads that finish rows, side by side. In any order of rows.
[[nodiscard]] std::unique_ptr<Source> make_tiff_unit_source(ImageHeader header,
                                                            std::shared_ptr<TiffFile> file,
                                                            const TiffLayout& layout);

/// Takes of damaged strips and tiles what there is.
[[nodiscard]] std::unique_ptr<RowDecoder> make_tiff_salvage_decoder(std::shared_ptr<TiffFile> file,
                                                                    const TiffLayout& layout);

}  // namespace tessera
