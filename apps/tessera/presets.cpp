// SPDX-License-Identifier: Apache-2.0
#include "presets.hpp"

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "plan/presets_file.hpp"

namespace tessera::cli {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

std::string presets_file_in_home() {
  const std::string config = environment("XDG_CONFIG_HOME");
  const std::string home = environment("HOME");
  if (config.empty() && home.empty()) {
    return {};
  }
  const auto file =
      std::filesystem::path(config.empty() ? home + "/.config" : config) / "tessera/presets.json";
  std::error_code ignored;
  return std::filesystem::exists(file, ignored) ? file.string() : std::string();
}

}  // namespace

Presets load_presets(const std::string& file) {
  std::string chosen = file.empty() ? environment("TESSERA_PRESETS") : file;
  if (chosen.empty()) {
    chosen = presets_file_in_home();
  }
  return chosen.empty() ? Presets{} : read_presets(chosen);
}

}  // namespace tessera::cli
