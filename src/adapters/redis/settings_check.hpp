// Whether a server keeps what it is told. Inside of the adapter only.
#pragma once

#include <functional>
#include <string>

#include "adapters/redis/connection.hpp"

namespace tessera::redis {

/// Warns of settings by which accepted jobs may be lost: persistence and eviction. Throws Broken.
void check_settings(Connection& connection, const std::function<void(const std::string& sentence)>& warn);

}  // namespace tessera::redis
