// SPDX-License-Identifier: Apache-2.0
// Checks the durability settings of a server. Private to the adapter.
#pragma once

#include <functional>
#include <string>

#include "adapters/redis/connection.hpp"

namespace tessera::redis {

/// Warns about persistence and eviction settings that may lose accepted jobs. Throws Broken.
void check_settings(Connection& connection, const std::function<void(const std::string& sentence)>& warn);

}  // namespace tessera::redis
