// SPDX-License-Identifier: Apache-2.0
// Named pipelines in the file that the command line reads too.
#pragma once

#include <filesystem>

#include "plan/pipeline.hpp"

namespace tessera::desktop {

class PresetStore {
 public:
  explicit PresetStore(std::filesystem::path file = default_file());
  /// tessera/presets.json in the user's configuration folder.
  [[nodiscard]] static std::filesystem::path default_file();

  /// Reads the file anew. Throws Error if it makes no sense; no file is no presets.
  [[nodiscard]] Presets load() const;
  /// Adds or replaces; everything else in the file stays as it is, and is written whole or not at all. Throws
  /// Error(usage) for a name that the text form could not tell, Error(io).
  void save(const std::string& name, const PipelineSteps& pipeline) const;
  void remove(const std::string& name) const;

 private:
  [[nodiscard]] Json read() const;
  void write(const Json& json) const;

  std::filesystem::path file_;
};

/// What is left of a name when characters that cannot stand in "@name" become hyphens.
[[nodiscard]] std::string preset_name(std::string_view typed);

}  // namespace tessera::desktop
