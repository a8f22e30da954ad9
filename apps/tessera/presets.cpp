// SPDX-License-Identifier: Apache-2.0
// tessera presets: the pipelines that have a name, and a person's own among them.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <span>
#include <system_error>

#include "base/error.hpp"
#include "base/printable.hpp"
#include "base/terminal.hpp"
#include "codec/io/atomic_file.hpp"
#include "command.hpp"
#include "plan/built_in_presets.hpp"
#include "plan/presets_file.hpp"
#include "report.hpp"
#include "user_presets.hpp"

namespace tessera::cli {
namespace {

namespace fs = std::filesystem;

struct PresetsOptions {
  std::string file;
  bool json = false;
  bool names = false;
  std::vector<std::string> chosen;  ///< to show or remove
  std::string name;                 ///< to save under
  std::string pipeline;
  std::string description;
  bool force = false;
};

constexpr const char* built_in_origin = "built in";

std::string origin_of(const NamedPreset& preset) {
  return preset.file.empty() ? built_in_origin : printable(preset.file);
}

Json preset_json(const NamedPreset& preset) {
  Json json{{"name", preset.name}, {"origin", preset.file.empty() ? built_in_origin : preset.file}};
  if (preset.damage) {
    json["error"] = {{"code", meaning(preset.damage->code()).name}, {"message", preset.damage->what()}};
    return json;
  }
  json["description"] = preset.description;
  json["text"] = to_text(preset.pipeline);
  json["pipeline"] = to_json(preset.pipeline);
  return json;
}

void print_list(std::span<const NamedPreset> presets) {
  std::size_t width = 0;
  for (const NamedPreset& preset : presets) {
    width = std::max(width, preset.name.size());
  }
  const auto print_group = [&](const std::string& title, bool built_in) {
    bool begun = false;
    for (const NamedPreset& preset : presets) {
      if (preset.damage || preset.file.empty() != built_in) {
        continue;
      }
      fmt::print("{}", begun ? "" : title + "\n");
      begun = true;
      fmt::print("  @{:<{}}  {}\n", preset.name, width,
                 printable(preset.description.empty() ? to_text(preset.pipeline) : preset.description));
    }
    fmt::print("{}", begun ? "\n" : "");
  };
  print_group("Built in", true);
  print_group("Your own", false);
  fmt::print(
      "'tessera presets show NAME' tells what one does; 'tessera presets save NAME PIPELINE' makes one.\n");
}

/// The exit code for what is damaged, after a sentence on each.
int report_damage(std::span<const NamedPreset> presets) {
  int code = 0;
  std::fflush(stdout);
  for (const NamedPreset& preset : presets) {
    if (preset.damage) {
      print_sentence(printable(preset.damage->what()));
      code = meaning(preset.damage->code()).exit_code;
    }
  }
  return code;
}

int list(const PresetsOptions& options) {
  const UserPresets presets(options.file);
  if (options.names) {
    for (const NamedPreset& preset : presets.all()) {
      fmt::print("{}{}", preset.damage ? "" : preset.name, preset.damage ? "" : "\n");
    }
    return 0;
  }
  if (options.json) {
    Json all = Json::array();
    for (const NamedPreset& preset : presets.all()) {
      all.push_back(preset_json(preset));
    }
    fmt::print("{}", dump({{"presets", std::move(all)}}));
  } else {
    print_list(presets.all());
  }
  return report_damage(presets.all());
}

int show(const PresetsOptions& options) {
  const UserPresets presets(options.file);
  for (const std::string& name : options.chosen) {
    const NamedPreset& preset = presets.find(name);
    if (options.json) {
      fmt::print("{}", dump(preset_json(preset)));
      continue;
    }
    fmt::print("@{} - {}\n{}{}  {}\n", preset.name, origin_of(preset), printable(preset.description),
               preset.description.empty() ? "" : "\n", printable(to_text(preset.pipeline)));
  }
  return 0;
}

fs::path file_of(const std::string& name) {
  check_preset_name(name);
  return user_preset_folder() / (name + ".json");
}

int save(const PresetsOptions& options) {
  const std::string& name = options.name;
  const fs::path file = file_of(name);
  if (find_built_in_preset(name) != nullptr) {
    throw Error(ErrorCode::usage,
                fmt::format("'{}' is the name of a built-in preset: choose another name.", name));
  }
  std::error_code failure;
  if (fs::exists(file, failure) && !options.force) {
    throw Error(ErrorCode::usage, fmt::format("There is a preset '{}' already ('{}'): use --force to replace "
                                              "it, or choose another name.",
                                              name, file.string()));
  }
  // Other presets in it are written out, so that it does not change with them.
  const PresetFile preset{options.description, UserPresets(options.file).parse(options.pipeline)};
  fs::create_directories(file.parent_path(), failure);
  if (failure) {
    throw Error(ErrorCode::io, fmt::format("Cannot create the folder '{}': {}.", file.parent_path().string(),
                                           failure.message()));
  }
  AtomicFile written(file);
  const std::string text = to_file_text(preset);
  written.write(std::as_bytes(std::span(text)));
  written.commit();
  fmt::print("Saved as @{} in '{}'.\n", name, printable(file.string()));
  return 0;
}

int remove(const PresetsOptions& options) {
  for (const std::string& name : options.chosen) {
    const fs::path file = file_of(name);
    std::error_code failure;
    if (fs::remove(file, failure)) {
      fmt::print("Removed '{}'.\n", printable(file.string()));
    } else if (failure) {
      throw Error(ErrorCode::io, fmt::format("Cannot remove '{}': {}.", file.string(), failure.message()),
                  file.string());
    } else {
      const UserPresets presets(options.file);
      const NamedPreset& preset = presets.find(name);
      throw Error(ErrorCode::usage,
                  preset.file.empty()
                      ? fmt::format("The preset '{}' is built in and cannot be removed.", name)
                      : fmt::format("The preset '{}' is one of several in '{}': remove it there.", name,
                                    preset.file));
    }
  }
  return 0;
}

}  // namespace

Command add_presets(CLI::App& program) {
  CLI::App* app = program.add_subcommand("presets", "List, show, save and remove pipelines that have a name");
  auto options = std::make_shared<PresetsOptions>();
  app->add_option("--presets", options->file, "Also those of this file (default: $TESSERA_PRESETS)")
      ->type_name("FILE");
  app->add_flag("--json", options->json, "The same as JSON");
  app->add_flag("--names", options->names, "List the names only, one on each line");
  app->require_subcommand(0, 1);
  app->fallthrough();
  app->footer(
      "Examples:\n"
      "  tessera presets save soft 'gaussian-blur sigma=2 | gamma gamma=1.1' --description 'Soft and light'\n"
      "  tessera apply '@soft | resize 50%' photo.jpg -o soft.jpg");
  const auto add = [&](const char* name, const char* doc, int (*work)(const PresetsOptions&)) {
    CLI::App* part = app->add_subcommand(name, doc);
    return std::pair(part, work);
  };
  const std::vector<std::pair<CLI::App*, int (*)(const PresetsOptions&)>> parts{
      add("list", "List them, with a line on each", list), add("show", "Print what presets do", show),
      add("save", "Save a pipeline under a name", save), add("remove", "Remove presets of your own", remove)};
  CLI::App* const saving = parts[2].first;
  parts[1].first->add_option("NAME", options->chosen, "Presets to show")->required();
  saving->add_option("NAME", options->name, "Letters, digits, '-' and '_'")->required();
  saving->add_option("PIPELINE", options->pipeline, "Operators, as for 'apply'; may use other presets")
      ->required();
  saving->add_option("--description", options->description, "A line that says what it is for")
      ->type_name("TEXT");
  saving->add_flag("--force", options->force, "Replace one of that name");
  parts[3].first->add_option("NAME", options->chosen, "Presets to remove")->required();
  return {app, [options, parts] {
            for (const auto& [part, work] : parts) {
              if (part->parsed()) {
                return work(*options);
              }
            }
            return list(*options);
          }};
}

}  // namespace tessera::cli
