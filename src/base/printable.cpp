// SPDX-License-Identifier: Apache-2.0
#include "base/printable.hpp"

#include <cstdint>
#include <cstdio>

#include "base/text.hpp"

namespace tessera {
namespace {

struct Character {
  std::uint32_t code = 0;
  std::size_t bytes = 1;
  bool valid = false;
};

/// The first character of `text`, which must not be empty.
Character first_character(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t bytes = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (text.size() < bytes || !is_utf8(text.substr(0, bytes))) {
    return {lead, 1, false};
  }
  std::uint32_t code = bytes == 1 ? lead : lead & (0x7FU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    code = code << 6U | (static_cast<unsigned char>(text[i]) & 0x3FU);
  }
  return {code, bytes, true};
}

bool is_control(std::uint32_t code) {
  return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x61C || code == 0x200E || code == 0x200F ||
         (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

std::string escape_of(const Character& character) {
  switch (character.code) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      break;
  }
  char text[16];
  std::snprintf(text, sizeof text, !character.valid || character.code < 0x80 ? "\\x%02x" : "\\u{%x}",
                static_cast<unsigned>(character.code));
  return text;
}

/// Calls `take` with each character and its bytes.
template <class Take>
void for_each_character(std::string_view text, const Take& take) {
  while (!text.empty()) {
    const Character character = first_character(text);
    take(character, text.substr(0, character.bytes));
    text.remove_prefix(character.bytes);
  }
}

}  // namespace

bool has_control_characters(std::string_view text) {
  bool found = false;
  for_each_character(text, [&](const Character& character, std::string_view) {
    found = found || !character.valid || is_control(character.code);
  });
  return found;
}

std::string printable(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for_each_character(text, [&](const Character& character, std::string_view bytes) {
    if (character.valid && !is_control(character.code)) {
      result += bytes;
    } else {
      result += escape_of(character);
    }
  });
  return result;
}

}  // namespace tessera
