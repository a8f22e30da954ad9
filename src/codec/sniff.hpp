// SPDX-License-Identifier: Apache-2.0
// What a file is, told from its first bytes alone: names, extensions and declared types are never believed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tessera {

/// The formats that are read.
enum class ImageFormat : std::uint8_t { png, jpeg, tiff, webp, gif, bmp, pnm, heif, avif };

/// "PNG", "JPEG", ...
[[nodiscard]] std::string_view format_name(ImageFormat format);

/// "image/png", ...
[[nodiscard]] std::string_view media_type(ImageFormat format);

struct Sniffed {
  /// Empty: not a format that is read.
  std::optional<ImageFormat> format;
  /// What the content is, in words that follow "this is": "a PNG image", "an SVG drawing, which is a program
  /// rather than pixels".
  std::string description;
  /// The start of a format that is read, mangled: damaged rather than foreign.
  bool damaged = false;
};

/// Bytes that sniff() can make use of; fewer are fine.
inline constexpr std::size_t sniff_bytes = 4096;

/// Looks at the first bytes of a file. Never fails.
[[nodiscard]] Sniffed sniff(std::span<const std::byte> head);

}  // namespace tessera
