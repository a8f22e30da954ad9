// SPDX-License-Identifier: Apache-2.0
// Per-owner limits for processing images.
#pragma once

#include <string>

#include "schema/param.hpp"

namespace tessera::service {

/// Reads a JSON file such as {"alice": {"max-pixels": 40000000, "time-limit": 60}}: by owner, limits with the
/// names of the options of `tessera node`, as whole numbers, and "time-limit" in seconds. Other limits keep
/// the values of the options. Throws Error(not_found, io, usage) with the file's name.
[[nodiscard]] Json read_owner_limits(const std::string& file);

}  // namespace tessera::service
