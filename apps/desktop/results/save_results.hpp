// SPDX-License-Identifier: Apache-2.0
// Puts results where the user wants them.
#pragma once

#include <QString>
#include <filesystem>

namespace tessera::desktop {

/// Copies `file` into `folder` as `name` or, where that is taken, as "name (2).png" and so on. It is there
/// whole or not at all, and nothing that was there is replaced. Returns its path. Throws Error(io,
/// not_found).
std::filesystem::path save_into(const std::filesystem::path& file, const std::filesystem::path& folder,
                                const std::string& name);
/// Copies `file` to `target`, replacing what is there in one step: for a name that the user has confirmed.
void save_as(const std::filesystem::path& file, const std::filesystem::path& target);

}  // namespace tessera::desktop
