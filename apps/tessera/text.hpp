// SPDX-License-Identifier: Apache-2.0
// Numbers for people, and numbers from people.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/amount.hpp"
#include "image/image.hpp"

namespace tessera::cli {

[[nodiscard]] std::string info_text(const ImageInfo& info);  ///< "640x480 8-bit RGB"
[[nodiscard]] std::string halo_text(const Halo& halo);       ///< "6 px", "0/2/0/2 px (left/top/right/bottom)"

/// "640x480". Throws Error(usage) naming the flag.
[[nodiscard]] Extent parse_extent(std::string_view flag, std::string_view text);
/// "gray8", "rgb16", "rgba8", "graya16", ... Throws Error(usage) naming the flag.
[[nodiscard]] PixelFormat parse_pixel_format(std::string_view flag, std::string_view text);

}  // namespace tessera::cli
