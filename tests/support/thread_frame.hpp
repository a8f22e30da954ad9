// SPDX-License-Identifier: Apache-2.0
// A group of ranks as threads of one process for whole-frame operators, as plain as it can be: everything is
// shared through boards between barriers. Independent of the engine's own Frame.
#pragma once

#include "support/reference_run.hpp"

namespace tessera::testing {

/// Runs a whole-frame operator on the image cut into bands, one thread a rank, and puts the bands together
/// again; gray-only operators turn RGB to gray first. `band_rows` says how many rows each rank holds (summing
/// to the image's height, zeros allowed). Of a composite operator, parts that are local run on pieces of the
/// last band's height. If a rank throws, the first error is rethrown; all ranks must throw alike.
Outcome run_on_ranks(const Operator& op, const Tile& whole, const std::vector<std::int64_t>& band_rows);
/// The same with bands as equal as can be.
Outcome run_on_ranks(const Operator& op, const Tile& whole, int ranks);

/// Empty if 1, 2, 3, 4 and 7 ranks and some uneven bands all give the bytes and findings of one rank, else
/// what differs.
std::string compare_ranks(const Operator& op, const Tile& whole);

}  // namespace tessera::testing
