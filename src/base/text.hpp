// SPDX-License-Identifier: Apache-2.0
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

/// Without `blanks` at its ends.
[[nodiscard]] constexpr std::string_view trim(std::string_view text, std::string_view blanks = " \t") {
  const std::size_t begin = text.find_first_not_of(blanks);
  return begin == std::string_view::npos ? std::string_view()
                                         : text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

/// Position of the first byte that is not UTF-8 (overlong forms and surrogates included), or npos.
[[nodiscard]] std::size_t first_invalid_utf8(std::string_view text);
[[nodiscard]] inline bool is_utf8(std::string_view text) {
  return first_invalid_utf8(text) == std::string_view::npos;
}

}  // namespace tessera
