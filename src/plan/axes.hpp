// SPDX-License-Identifier: Apache-2.0
// Which way up a plan's result is, for what is said of axes beside the pixels.
#pragma once

#include "plan/plan.hpp"

namespace tessera {

/// Whether rows of the result run along columns of the source, as after an odd number of quarter turns: what
/// holds of the source's columns then holds of the result's rows.
[[nodiscard]] bool swaps_axes(const Plan& plan);

}  // namespace tessera
