// SPDX-License-Identifier: Apache-2.0
// A part of a result, from only the pixels that it needs.
#pragma once

#include <stop_token>

#include "image/stream.hpp"
#include "plan/plan.hpp"

namespace tessera {

/// Whether any part of the result depends only on pixels near it: no statistics, no whole-frame operators, no
/// border that wraps around.
[[nodiscard]] bool is_local(const Plan& plan);

/// The full-width rows of the source that `rows` of the result are made of. Requires is_local(plan), and rows
/// inside the result.
[[nodiscard]] Interval source_rows(const Plan& plan, const Interval& rows);

/// Rows of the result, at full width, byte for byte those of a run over the whole image. Strips are made on
/// `threads` threads. Requires is_local(plan), and rows inside the result. A source that is read in order is
/// read from its top to the last row that is needed. Throws Error(cancelled) once a stop is asked for, and
/// what the source throws.
[[nodiscard]] Tile run_rows(const Plan& plan, const Interval& rows, Source& source, int threads,
                            const std::stop_token& stop);

}  // namespace tessera
