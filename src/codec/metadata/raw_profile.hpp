// SPDX-License-Identifier: Apache-2.0
// The way ImageMagick and ExifTool put EXIF, IPTC and the like into PNG: a text chunk "Raw profile type NAME"
// with the bytes as hexadecimal digits.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"

namespace tessera {

/// "exif", "APP1", "iptc", "xmp" of a keyword "Raw profile type exif"; nothing for other keywords.
[[nodiscard]] std::optional<std::string> raw_profile_name(std::string_view keyword);

/// The bytes in the text of such a chunk; nothing if the digits do not add up.
[[nodiscard]] std::optional<Bytes> decode_raw_profile(std::string_view text);

[[nodiscard]] std::string encode_raw_profile(std::string_view name, const Bytes& bytes);

}  // namespace tessera
