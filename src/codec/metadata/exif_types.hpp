// SPDX-License-Identifier: Apache-2.0
// Numbers and types in files of tags.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace tessera::exif_type {

inline constexpr std::uint16_t type_ascii = 2;
inline constexpr std::uint16_t type_byte = 1;
inline constexpr std::uint16_t type_short = 3;
inline constexpr std::uint16_t type_long = 4;
inline constexpr std::uint16_t type_rational = 5;
inline constexpr std::uint16_t type_undefined = 7;

struct TypeSize {
  unsigned value_bytes = 0;  ///< 0: not a type
  unsigned word_bytes = 0;   ///< what byte order turns
};

inline TypeSize size_of_type(std::uint16_t type) {
  switch (type) {
    case type_byte:
    case type_ascii:
    case 6:
    case type_undefined:
      return {1, 1};
    case type_short:
    case 8:
      return {2, 2};
    case type_long:
    case 9:
    case 11:
    case 13:
      return {4, 4};
    case type_rational:
    case 10:
      return {8, 4};
    case 12:
    case 16:
    case 17:
    case 18:
      return {8, 8};
    default:
      return {};
  }
}

inline std::uint64_t number(std::span<const std::byte> bytes, bool big_endian) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    value = value << 8 | static_cast<std::uint64_t>(bytes[big_endian ? i : bytes.size() - 1 - i]);
  }
  return value;
}

inline void store(std::byte* at, std::uint64_t value, unsigned bytes, bool big_endian) {
  for (unsigned i = 0; i < bytes; ++i) {
    at[big_endian ? bytes - 1 - i : i] = static_cast<std::byte>(value >> (8 * i));
  }
}

}  // namespace tessera::exif_type
