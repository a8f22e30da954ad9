// SPDX-License-Identifier: Apache-2.0
// The files and folders that were added last, kept between starts.
#pragma once

#include <QStringList>
#include <filesystem>
#include <vector>

namespace tessera::desktop {

constexpr int max_recent_paths = 10;

/// What is worth remembering of `paths`: a folder or file alone, or else the folder the first one lies in.
[[nodiscard]] QString recent_entry(const std::vector<std::filesystem::path>& paths);
/// The last first; those that are gone are left out.
[[nodiscard]] QStringList recent_paths();
void remember_path(const QString& path);
void forget_recent_paths();

}  // namespace tessera::desktop
