// SPDX-License-Identifier: Apache-2.0
// Named pipelines that come with the program, for everyday jobs.
#pragma once

#include <span>
#include <string_view>

#include "plan/pipeline.hpp"

namespace tessera {

struct BuiltInPreset {
  std::string_view name;
  std::string_view description;  ///< one sentence without its full stop
  std::string_view pipeline;     ///< as text, without presets in it
};

/// In the order in which a person looks for them.
[[nodiscard]] std::span<const BuiltInPreset> built_in_presets();

/// The built-in one of that name, or nothing.
[[nodiscard]] const BuiltInPreset* find_built_in_preset(std::string_view name);

/// The built-in ones and `own`, which replace those of the same name.
[[nodiscard]] Presets with_built_in_presets(Presets own);

}  // namespace tessera
