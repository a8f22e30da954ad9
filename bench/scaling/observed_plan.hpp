// SPDX-License-Identifier: Apache-2.0
// A plan whose operators tell an observer how much they are about to do, instead of just doing it: the same
// plan is timed by the calibration and charged to a simulated processor by the simulation.
#pragma once

#include <functional>
#include <string>

#include "plan/plan.hpp"

namespace tessera::scaling {

/// Called in the place of a piece of work on `pixels` pixels; runs it by calling `work`, or does not.
using Observer =
    std::function<void(const std::string& part, std::int64_t pixels, const std::function<void()>& work)>;

/// Parts are named after operators; a whole-frame operator's are numbered in the order of its parallel loops.
[[nodiscard]] Plan observed(Plan plan, const Observer& observer);

}  // namespace tessera::scaling
