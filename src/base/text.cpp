// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"

#include <cstdint>

namespace tessera {

std::size_t first_invalid_utf8(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const auto lead = static_cast<unsigned char>(text[at]);
    std::size_t length = 1;
    std::uint32_t least = 0;
    std::uint32_t code = lead;
    if (lead >= 0x80) {
      length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
      least = length == 4 ? 0x10000 : length == 3 ? 0x800 : 0x80;
      if (lead < 0xC2 || lead > 0xF4 || at + length > text.size()) {
        return at;
      }
      code = lead & (0x7FU >> length);
      for (std::size_t i = 1; i < length; ++i) {
        const auto byte = static_cast<unsigned char>(text[at + i]);
        if ((byte & 0xC0U) != 0x80) {
          return at;
        }
        code = (code << 6U) | (byte & 0x3FU);
      }
    }
    if (code < least || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
      return at;
    }
    at += length;
  }
  return std::string_view::npos;
}

}  // namespace tessera
