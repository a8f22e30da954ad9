// SPDX-License-Identifier: Apache-2.0
// Named pipelines in files.
#pragma once

#include <string>
#include <string_view>

#include "plan/pipeline.hpp"

namespace tessera {

/// Whether "@name" can stand in a pipeline: letters, digits, '-' and '_', one or more.
[[nodiscard]] bool is_preset_name(std::string_view name);
/// Throws Error(usage) with a sentence if it cannot.
void check_preset_name(std::string_view name);

/// Many in one file. As parse_presets, whose sentences get the file's name. Throws Error(not_found, io), and
/// limit_exceeded for more than 4 MiB.
[[nodiscard]] Presets read_presets(const std::string& file);

/// One in a file of its own, which gives it its name: {"description": TEXT, "pipeline": text or JSON}.
struct PresetFile {
  std::string description;  ///< may be empty
  PipelineSteps pipeline;
};
/// The pipeline may use `presets`. Throws Error as read_presets; every sentence names the file.
[[nodiscard]] PresetFile read_preset(const std::string& file, const Presets& presets);
/// What read_preset() reads.
[[nodiscard]] std::string to_file_text(const PresetFile& preset);

}  // namespace tessera
