// SPDX-License-Identifier: Apache-2.0
#include "base/ids.hpp"

#include <array>

#include "base/system.hpp"

namespace tessera {

std::string new_id(std::string_view prefix, TimePoint now) {
  constexpr std::string_view digits = "0123456789abcdefghjkmnpqrstvwxyz";
  std::array<unsigned char, 16> random{};
  fill_random(random);
  std::string id(prefix);
  id += '_';
  const auto milliseconds = static_cast<std::uint64_t>(now.time_since_epoch().count());
  for (int shift = 45; shift >= 0; shift -= 5) {
    id += digits[(milliseconds >> shift) & 31U];
  }
  for (const unsigned char byte : random) {
    id += digits[byte & 31U];
  }
  return id;
}

}  // namespace tessera
