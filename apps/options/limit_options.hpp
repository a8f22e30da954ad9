// SPDX-License-Identifier: Apache-2.0
// Options for the limits of schema/work_limits.hpp, the same for every command that has them.
#pragma once

#include <CLI/App.hpp>

#include "schema/work_limits.hpp"

namespace tessera {

enum class LimitSources : std::uint8_t {
  flags,            ///< on the command line alone
  and_environment,  ///< TESSERA_MAX_PIXELS and so on, too
};

/// Adds an option for each limit. What `limits` holds is the default that the help names; it must stay alive
/// until the options have been read.
void add_limit_options(CLI::App& app, WorkLimits& limits, LimitSources sources);

}  // namespace tessera
