// SPDX-License-Identifier: Apache-2.0
// Mapping of object names to file names, and listing. Private to the adapter.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace tessera::disk {

/// The file of an object, relative to a folder. Every part but the last is a folder; the last gets a suffix
/// that no folder has, so "a" and "a/b" can both be objects. Throws Error(usage) if a part is too long.
[[nodiscard]] std::filesystem::path file_of(std::string_view name);

/// Opens a file for reading, relative to `folder`, without following symbolic links in any part of `file`.
/// Returns the descriptor, or -1 with the reason in errno; ENOENT for a symbolic link or anything but a
/// regular file.
[[nodiscard]] int open_beneath(const std::filesystem::path& folder, const std::filesystem::path& file);

/// Visits the objects under `folder` whose names begin with `prefix` and come after `after`, in byte order,
/// until `visit` returns false. Folders that cannot contain such names are not read.
void visit_names(
    const std::filesystem::path& folder, const std::string& prefix, const std::string& after,
    const std::function<bool(const std::string& name, const std::filesystem::path& file)>& visit);

}  // namespace tessera::disk
