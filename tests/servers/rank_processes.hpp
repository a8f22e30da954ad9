// SPDX-License-Identifier: Apache-2.0
// The rank processes of a node or a service, for tests that kill them.
#pragma once

#include <sys/types.h>

#include <vector>

namespace tessera::testing {

/// Processes that descend from `ancestor` and are ranks of a node.
[[nodiscard]] std::vector<pid_t> ranks_of(pid_t ancestor);

}  // namespace tessera::testing
