// SPDX-License-Identifier: Apache-2.0
#include "codec/folder/target.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <system_error>

#include "base/error.hpp"
#include "codec/folder/tile_format.hpp"
#include "codec/io/objects.hpp"
#include "codec/io/output_target.hpp"

namespace tessera {
namespace {

namespace fs = std::filesystem;

/// Whether a folder looks as one that this format makes.
bool has_mark(const fs::path& folder, FileFormat format) {
  static constexpr std::array zarr_marks{".zgroup", ".zarray", "zarr.json"};
  std::error_code ignored;
  if (format == FileFormat::ome_zarr) {
    return std::ranges::any_of(zarr_marks,
                               [&](const char* mark) { return fs::exists(folder / mark, ignored); });
  }
  return fs::is_directory(folder / "0", ignored);  // the level of one pixel
}

}  // namespace

TileFolderTarget tile_folder_target(const fs::path& path, FileFormat format, const std::string& name) {
  const FileFormatInfo& info = format_info(format);
  const auto refuse = [&](const std::string& why) {
    throw Error(ErrorCode::usage, fmt::format("Cannot write '{}' as {}: {}.", name, info.name, why), name);
  };
  if (is_standard_output(path)) {
    refuse("it is a folder of many files, which standard output cannot be. Name it with -o");
  }
  if (is_object_url(path.string())) {
    refuse(
        "it is a folder of many files, and an object is one. Write it to a local path and copy the folder");
  }
  const auto named = format_from_extension(path.extension().string(), FormatKinds::files_and_folders);
  if (named != format) {
    refuse(fmt::format("the name of such a folder must end in .{}", info.extension));
  }
  const OutputTarget found = find_output_target(path);
  if (found.kind == OutputKind::stream) {
    refuse("it is a folder of many files, and this name stands for a device or a stream");
  }
  TileFolderTarget target{found.path.parent_path(), {}};
  if (format == FileFormat::ome_zarr) {
    target.entries = {{std::string(tiles_entry), found.path.filename().string()}};
  } else {
    target.entries = {{std::string(tiles_entry), found.path.stem().string() + "_files"},
                      {std::string(description_entry), found.path.filename().string()}};
  }
  return target;
}

bool holds_older_result(const TileFolderTarget& target, FileFormat format) {
  bool any = false;
  for (const AtomicFolder::Entry& entry : target.entries) {
    const fs::path path = target.parent / entry.name;
    std::error_code ignored;
    const fs::file_status status = fs::symlink_status(path, ignored);
    if (!fs::exists(status)) {
      continue;
    }
    any = true;
    const bool as_made =
        entry.made_as == tiles_entry
            ? fs::is_directory(status) && (fs::is_empty(path, ignored) || has_mark(path, format))
            : fs::is_regular_file(status);
    if (!as_made) {
      throw Error(
          ErrorCode::usage,
          fmt::format("'{}' exists and is no {} that could be replaced: move it away, or choose another "
                      "name for the result.",
                      path.string(), format_info(format).name),
          path.string());
    }
  }
  return any;
}

}  // namespace tessera
