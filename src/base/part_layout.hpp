// SPDX-License-Identifier: Apache-2.0
// Where the parts of an object begin that several processes upload.
#pragma once

#include <cstdint>

namespace tessera {

/// Where part `number`, from 0, begins; it ends where the next begins. Parts grow, so that 10,000 of them, which is
/// as many as stores take, hold more than 5 TiB, and the first ones are small: 8 MiB.
[[nodiscard]] constexpr std::int64_t begin_of_part(std::int64_t number) {
  constexpr std::int64_t first_bytes = std::int64_t{8} << 20;
  constexpr std::int64_t parts_of_a_size = 1000;
  const std::int64_t doublings = number / parts_of_a_size;
  return first_bytes * (parts_of_a_size * ((std::int64_t{1} << doublings) - 1) +
                        (number % parts_of_a_size) * (std::int64_t{1} << doublings));
}

[[nodiscard]] constexpr std::int64_t size_of_part(std::int64_t number) {
  return begin_of_part(number + 1) - begin_of_part(number);
}

/// The part that holds the byte at `offset`.
[[nodiscard]] constexpr std::int64_t part_at(std::int64_t offset) {
  std::int64_t low = 0;
  std::int64_t high = 20'000;
  while (high - low > 1) {
    const std::int64_t middle = (low + high) / 2;
    (begin_of_part(middle) <= offset ? low : high) = middle;
  }
  return low;
}

}  // namespace tessera
