// SPDX-License-Identifier: Apache-2.0
#include "user_presets.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <system_error>

#include "plan/built_in_presets.hpp"
#include "plan/presets_file.hpp"

namespace tessera {
namespace {

namespace fs = std::filesystem;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

/// $XDG_CONFIG_HOME/tessera or ~/.config/tessera; empty without a home.
fs::path configuration_folder() {
  if (const std::string config = environment("XDG_CONFIG_HOME"); !config.empty()) {
    return fs::path(config) / "tessera";
  }
  const std::string home = environment("HOME");
  return home.empty() ? fs::path() : fs::path(home) / ".config/tessera";
}

/// Whether `pipeline` names the preset, as text or JSON. A name in a quoted text counts too: then an error is
/// only more talkative.
bool mentions(std::string_view pipeline, std::string_view name) {
  return pipeline.find(fmt::format("@{}", name)) != std::string_view::npos ||
         pipeline.find(fmt::format("\"{}\"", name)) != std::string_view::npos;
}

}  // namespace

fs::path user_preset_folder() {
  const fs::path folder = configuration_folder();
  if (folder.empty()) {
    throw Error(ErrorCode::usage,
                "There is no folder for presets: neither HOME nor XDG_CONFIG_HOME is set. Set one of them.");
  }
  return folder / "presets";
}

UserPresets::UserPresets(const std::string& file) {
  for (const BuiltInPreset& preset : built_in_presets()) {
    add({std::string(preset.name), std::string(preset.description), parse_pipeline(preset.pipeline), {}, {}});
  }
  if (const fs::path folder = configuration_folder(); !folder.empty()) {
    read_shared_file(folder / "presets.json");
    read_folder(folder / "presets");
  }
  if (const std::string named = file.empty() ? environment("TESSERA_PRESETS") : file; !named.empty()) {
    for (auto& [name, pipeline] : read_presets(named)) {
      add({name, {}, pipeline, named, {}});
    }
  }
}

void UserPresets::read_shared_file(const fs::path& file) {
  std::error_code ignored;
  if (!fs::exists(file, ignored)) {
    return;
  }
  try {
    for (auto& [name, pipeline] : read_presets(file.string())) {
      add({name, {}, pipeline, file.string(), {}});
    }
  } catch (const Error& error) {
    add({{}, {}, {}, file.string(), error});
  }
}

void UserPresets::read_folder(const fs::path& folder) {
  const Presets built_in = with_built_in_presets({});
  std::error_code failure;
  for (fs::directory_iterator entry(folder, failure), end; !failure && entry != end;
       entry.increment(failure)) {
    const fs::path& file = entry->path();
    if (file.extension() != ".json") {
      continue;
    }
    NamedPreset preset{file.stem().string(), {}, {}, file.string(), {}};
    try {
      check_preset_name(preset.name);
      PresetFile content = read_preset(preset.file, built_in);
      preset.description = std::move(content.description);
      preset.pipeline = std::move(content.pipeline);
    } catch (const Error& error) {
      preset.damage = Error(error.code(),
                            error.subject().empty() ? fmt::format("'{}': {}", preset.file, error.what())
                                                    : std::string(error.what()),
                            preset.file);
    }
    add(std::move(preset));
  }
  if (failure && failure != std::errc::no_such_file_or_directory) {
    add({{},
         {},
         {},
         folder.string(),
         Error(ErrorCode::io,
               fmt::format("Cannot read the presets in '{}': {}.", folder.string(), failure.message()),
               folder.string())});
  }
}

void UserPresets::add(NamedPreset preset) {
  const auto place = std::ranges::lower_bound(all_, preset.name, {}, &NamedPreset::name);
  if (place != all_.end() && place->name == preset.name && !preset.name.empty()) {
    *place = std::move(preset);
  } else {
    all_.insert(place, std::move(preset));
  }
}

void UserPresets::add_of_service(const std::string& name, PipelineSteps pipeline) {
  const auto own = std::ranges::find(all_, name, &NamedPreset::name);
  if (own == all_.end() || own->file.empty()) {
    add({name, {}, std::move(pipeline), {}, {}});
  }
}

Presets UserPresets::usable() const {
  Presets presets;
  for (const NamedPreset& preset : all_) {
    if (!preset.damage) {
      presets.emplace(preset.name, preset.pipeline);
    }
  }
  return presets;
}

const NamedPreset& UserPresets::find(std::string_view name) const {
  const std::string_view plain = name.starts_with('@') ? name.substr(1) : name;
  const auto found = std::ranges::find(all_, plain, &NamedPreset::name);
  if (found == all_.end() || found->damage) {
    check_preset_name(plain);
    // What a pipeline of this preset alone says: the nearest name, or the damage.
    static_cast<void>(parse(fmt::format("@{}", plain)));
  }
  return *found;
}

PipelineSteps UserPresets::parse(std::string_view pipeline) const {
  try {
    return parse_pipeline(pipeline, usable());
  } catch (const Error&) {
    for (const NamedPreset& preset : all_) {
      if (preset.damage && mentions(pipeline, preset.name)) {
        throw *preset.damage;
      }
    }
    throw;
  }
}

}  // namespace tessera
