// SPDX-License-Identifier: Apache-2.0
// How a kernel that takes long is stopped: it works on a few rows at a time and looks in between.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/stop.hpp"
#include "tessera/geometry.hpp"

namespace tessera {

/// Steps (additions, table look-ups) between two looks: a tenth of a second or so.
constexpr double steps_at_once = 1e8;

/// Rows of a slice; see for_each_slice().
[[nodiscard]] inline std::int64_t rows_of_slice(double steps_per_row, std::int64_t min_rows) {
  return std::max(min_rows, static_cast<std::int64_t>(steps_at_once / std::max(1.0, steps_per_row)));
}

/// Calls body(slice) for slices of `rows` from top to bottom, and throws Error(cancelled) between two once a
/// stop is asked for. A row takes about `steps_per_row`; where a slice costs something of its own, it has at
/// least `min_rows`. Results must not depend on the slices.
template <class Body>
void for_each_slice(const Interval& rows, double steps_per_row, std::int64_t min_rows,
                    const std::stop_token& stop, Body&& body) {
  const std::int64_t height = rows_of_slice(steps_per_row, min_rows);
  for (std::int64_t begin = rows.begin; begin < rows.end; begin += height) {
    throw_if_stopped(stop);
    body(Interval{begin, std::min(rows.end, begin + height)});
  }
}

}  // namespace tessera
