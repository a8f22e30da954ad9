// SPDX-License-Identifier: Apache-2.0
// How whole-frame operators share the rows of a band among the rank's threads.
#pragma once

#include <algorithm>
#include <cstdint>

#include "ops/kinds.hpp"

namespace tessera {

/// Rows a thread works on at once. Results must not depend on it.
constexpr std::int64_t strip_rows = 64;

[[nodiscard]] inline std::int64_t strip_count(std::int64_t rows) {
  return (rows + strip_rows - 1) / strip_rows;
}

/// Calls body(strip, rows) for strips of the `rows` rows of a band, counted from the band's top, on the
/// rank's threads.
template <class Body>
void for_each_strip(Frame& frame, std::int64_t rows, Body&& body) {
  frame.parallel_for(strip_count(rows), [&](std::int64_t strip) {
    const std::int64_t begin = strip * strip_rows;
    body(strip, Interval{begin, std::min(rows, begin + strip_rows)});
  });
}

}  // namespace tessera
