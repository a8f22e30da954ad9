// SPDX-License-Identifier: Apache-2.0
// Named pipelines on the command line.
#pragma once

#include <string>

#include "plan/pipeline.hpp"

namespace tessera::cli {

/// The presets of `file`; if it is empty, of $TESSERA_PRESETS, or else of
/// $XDG_CONFIG_HOME/tessera/presets.json (~/.config) if that exists.
[[nodiscard]] Presets load_presets(const std::string& file);

}  // namespace tessera::cli
