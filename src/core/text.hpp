// Text as protocols and formats treat it, whatever the locale.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace tessera {

[[nodiscard]] constexpr char ascii_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

[[nodiscard]] inline std::string ascii_lowered(std::string text) {
  std::ranges::transform(text, text.begin(), ascii_lower);
  return text;
}

/// Position of the first byte that is not UTF-8 (overlong forms and surrogates included), or npos.
[[nodiscard]] std::size_t first_invalid_utf8(std::string_view text);
[[nodiscard]] inline bool is_utf8(std::string_view text) {
  return first_invalid_utf8(text) == std::string_view::npos;
}

}  // namespace tessera
