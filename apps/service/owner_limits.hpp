// Limits of what the images of one owner may cost, where they differ from those of all.
#pragma once

#include <string>

#include "schema/param.hpp"

namespace tessera::service {

/// Reads a JSON file such as {"alice": {"max-pixels": 40000000, "time-limit": 60}}: by owner, limits named as
/// the options of `tessera node` are, in whole numbers, and "time-limit" in seconds. Those that are not named
/// stay as the options say. Throws Error(not_found, io, usage) with the file's name.
[[nodiscard]] Json read_owner_limits(const std::string& file);

}  // namespace tessera::service
