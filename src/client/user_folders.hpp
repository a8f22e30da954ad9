// SPDX-License-Identifier: Apache-2.0
// The folders that the XDG Base Directory Specification gives programs in a user's home.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

namespace tessera {

/// `name` in the user's state folder ($XDG_STATE_HOME/tessera or ~/.local/state/tessera); nothing without a home.
[[nodiscard]] std::optional<std::filesystem::path> state_folder(std::string_view name);

}  // namespace tessera
