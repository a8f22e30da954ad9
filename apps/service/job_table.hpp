// SPDX-License-Identifier: Apache-2.0
// Jobs for people to read: a table of them, times and states.
#pragma once

#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/terminal.hpp"

namespace tessera::service {

/// done green, failed red, cancelled yellow, what goes on cyan.
[[nodiscard]] Colour colour_of_state(std::string_view state);

/// `time` in the zone of this machine, as short as `now` allows: "14:05" of the same day, "24 Nov 14:05" of the
/// same year, else "2025-11-24".
[[nodiscard]] std::string when_text(TimePoint time, TimePoint now);

/// A heading and a line for each job, in columns that line up: id, name, state, size of the result, when it was
/// submitted, how long it took until now or its end, and the failure or what is done just now. Text of others is
/// made safe to print; names longer than 40 characters are cut.
[[nodiscard]] std::string job_table(const std::vector<Json>& jobs, TimePoint now, bool coloured);

}  // namespace tessera::service
