// SPDX-License-Identifier: Apache-2.0
// Named pipelines in a file.
#pragma once

#include <string>

#include "plan/pipeline.hpp"

namespace tessera {

/// As parse_presets, whose sentences get the file's name. Throws Error(not_found, io), and limit_exceeded for
/// more than 4 MiB.
[[nodiscard]] Presets read_presets(const std::string& file);

}  // namespace tessera
