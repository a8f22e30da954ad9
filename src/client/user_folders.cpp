// SPDX-License-Identifier: Apache-2.0
#include "client/user_folders.hpp"

#include <cstdlib>

namespace tessera {

std::optional<std::filesystem::path> state_folder(std::string_view name) {
  const auto folder_in = [](const char* variable) {
    const char* const value = std::getenv(variable);
    return value != nullptr && *value == '/' ? std::optional<std::filesystem::path>(value) : std::nullopt;
  };
  if (const auto state = folder_in("XDG_STATE_HOME")) {
    return *state / "tessera" / name;
  }
  const auto home = folder_in("HOME");
  return home ? std::optional(*home / ".local/state/tessera" / name) : std::nullopt;
}

}  // namespace tessera
