// SPDX-License-Identifier: Apache-2.0
// Runs a pipeline on a part of a picture at its real size, with as much around it as the operators read.
#pragma once

#include <functional>
#include <stop_token>

#include "engine/region.hpp"

namespace tessera::desktop {

/// What of the input `out`, a rectangle of the result, is made of.
[[nodiscard]] Rect region_needs(const Plan& plan, const Rect& out);

/// The pixels of `out` as a run over the whole picture would give them. `pixels` covers region_needs().
/// Requires is_local(plan). Throws Error(cancelled) before the next operator once a stop is asked for.
[[nodiscard]] Tile run_region(const Plan& plan, const Rect& out, const Tile& pixels,
                              const std::stop_token& stop);

}  // namespace tessera::desktop
