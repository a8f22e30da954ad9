// SPDX-License-Identifier: Apache-2.0
// Libraries of Tessera's own that are opened when they are needed, because what they use costs time at start.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

namespace tessera {

/// Where the module `file` is looked for, beside the program: ../lib/tessera, ../lib and the program's own folder.
[[nodiscard]] std::vector<std::filesystem::path> module_places(std::string_view file);

/// The function `entry` of the module `file`, which stays open until the process ends. `purpose` completes "The
/// module that ...". Throws Error(internal), with the places, if it is not there.
[[nodiscard]] void* open_module(std::string_view file, const char* entry, std::string_view purpose);

}  // namespace tessera
