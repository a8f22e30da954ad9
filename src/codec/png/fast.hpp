// SPDX-License-Identifier: Apache-2.0
// PNG of whole bytes a sample, not interlaced, without a palette or a transparent colour: nearly all
// photographs. ISA-L inflates them in half the time that zlib, and so libspng, takes; reading is what most
// pipelines wait for.
#pragma once

#include <memory>

#include "codec/common/openers.hpp"
#include "codec/common/rows.hpp"
#include "codec/png/chunks.hpp"

namespace tessera {

/// Whether make_plain_png_decoder takes it.
[[nodiscard]] bool is_plain(const PngLayout& layout);

/// `info` is what `layout` says. The checksums of the chunks and of the pixel data are checked. Its calls
/// throw Error(damaged_input, io).
[[nodiscard]] std::unique_ptr<RowDecoder> make_plain_png_decoder(const InputPtr& input, PngLayout layout,
                                                                 const ImageInfo& info);

}  // namespace tessera
