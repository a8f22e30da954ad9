// Text as protocols and formats treat it: ASCII letters only, whatever the locale.
#pragma once

#include <algorithm>
#include <string>

namespace tessera {

[[nodiscard]] constexpr char ascii_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

[[nodiscard]] inline std::string ascii_lowered(std::string text) {
  std::ranges::transform(text, text.begin(), ascii_lower);
  return text;
}

}  // namespace tessera
