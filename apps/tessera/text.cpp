// SPDX-License-Identifier: Apache-2.0
#include "text.hpp"

#include <fmt/format.h>

#include <charconv>

#include "base/error.hpp"

namespace tessera::cli {

std::string info_text(const ImageInfo& info) {
  return fmt::format("{}x{} {}", info.extent.width, info.extent.height, info.format.describe());
}

std::string halo_text(const Halo& halo) {
  if (halo == Halo::all(halo.left)) {
    return fmt::format("{} px", halo.left);
  }
  return fmt::format("{}/{}/{}/{} px (left/top/right/bottom)", halo.left, halo.top, halo.right, halo.bottom);
}

Extent parse_extent(std::string_view flag, std::string_view text) {
  Extent extent;
  const char* end = text.data() + text.size();
  const auto width = std::from_chars(text.data(), end, extent.width);
  if (width.ec == std::errc{} && width.ptr != end && *width.ptr == 'x') {
    const auto height = std::from_chars(width.ptr + 1, end, extent.height);
    if (height.ec == std::errc{} && height.ptr == end && extent.width > 0 && extent.height > 0 &&
        extent.width <= 1'000'000'000 && extent.height <= 1'000'000'000) {
      return extent;
    }
  }
  throw Error(ErrorCode::usage,
              fmt::format("{}: '{}' is not a size in pixels: write WIDTHxHEIGHT, like 640x480.", flag, text));
}

PixelFormat parse_pixel_format(std::string_view flag, std::string_view text) {
  for (const Depth depth : {Depth::u8, Depth::u16}) {
    for (const int channels : {1, 3}) {
      for (const bool alpha : {false, true}) {
        const PixelFormat format{depth, channels, alpha};
        if (text == fmt::format("{}{}{}", channels == 1 ? "gray" : "rgb", alpha ? "a" : "",
                                depth == Depth::u8 ? 8 : 16)) {
          return format;
        }
      }
    }
  }
  throw Error(
      ErrorCode::usage,
      fmt::format("{}: '{}' is not a pixel format: write gray8, gray16, rgb8 or rgb16, with an 'a' before "
                  "the number for alpha (rgba8).",
                  flag, text));
}

}  // namespace tessera::cli
