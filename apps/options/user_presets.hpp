// SPDX-License-Identifier: Apache-2.0
// The named pipelines that a person may write as "@name": those built in, and their own.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "plan/pipeline.hpp"

namespace tessera {

/// Where a person's own presets are, each in a file NAME.json: $XDG_CONFIG_HOME/tessera/presets, or below
/// ~/.config. Throws Error(usage) if neither variable names a folder.
[[nodiscard]] std::filesystem::path user_preset_folder();

struct NamedPreset {
  std::string name;
  std::string description;  ///< may be empty
  PipelineSteps pipeline;
  std::string file;             ///< it is from; empty: built in
  std::optional<Error> damage;  ///< why `file` makes no sense; the pipeline is empty then
};

/// All of them. Of the same name the last counts of: built in, presets.json of the configuration folder (which
/// the desktop program writes), the folder of presets, and the file that was named.
class UserPresets {
 public:
  /// `file` is what --presets names; if empty, $TESSERA_PRESETS, if that is set. Throws Error of read_presets()
  /// for that one; damage in the others is kept until it matters.
  explicit UserPresets(const std::string& file);

  /// Adds one that a service has; it replaces a built-in one, but not a person's own.
  void add_of_service(const std::string& name, PipelineSteps pipeline);

  /// Sorted by name. Where presets.json is damaged it has an entry without a name.
  [[nodiscard]] std::span<const NamedPreset> all() const { return all_; }
  /// Throws Error(usage) for an unknown name, the damage of a damaged one.
  [[nodiscard]] const NamedPreset& find(std::string_view name) const;
  /// As parse_pipeline() with these presets. Where a preset is missing because its file is damaged, that is what
  /// the error says.
  [[nodiscard]] PipelineSteps parse(std::string_view pipeline) const;

 private:
  void add(NamedPreset preset);
  [[nodiscard]] Presets usable() const;
  void read_shared_file(const std::filesystem::path& file);
  void read_folder(const std::filesystem::path& folder);

  std::vector<NamedPreset> all_;
};

}  // namespace tessera
