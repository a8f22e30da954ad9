// SPDX-License-Identifier: Apache-2.0
// Identifiers of jobs, batches, requests and the like.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace tessera {

/// A new identifier: `prefix`, '_', and 26 characters (Crockford base32, lower case) of which the first 10
/// are the time in milliseconds and 16 are random (80 bits of the system's generator). As ULIDs, they sort by
/// time.
[[nodiscard]] std::string new_id(std::string_view prefix, TimePoint now);

}  // namespace tessera
