// How names of objects become names of files, and which there are. Inside of the adapter only.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace tessera::disk {

/// The file of an object, relative to a folder. Every part is a folder but the last, which gets an ending
/// that no folder has; so "a" and "a/b" can both be objects. Throws Error(usage) if a part is too long.
[[nodiscard]] std::filesystem::path file_of(std::string_view name);

/// Opens a file for reading, relative to `folder`, without following a symbolic link in any part of `file`.
/// Returns the descriptor, or -1 with the reason in errno; ENOENT where a link is met, or what is no file.
[[nodiscard]] int open_beneath(const std::filesystem::path& folder, const std::filesystem::path& file);

/// Visits the names of the objects under `folder` that begin with `prefix` and come after `after`, in order
/// of their bytes, until `visit` returns false. Folders that cannot hold such names are not read.
void visit_names(
    const std::filesystem::path& folder, const std::string& prefix, const std::string& after,
    const std::function<bool(const std::string& name, const std::filesystem::path& file)>& visit);

}  // namespace tessera::disk
