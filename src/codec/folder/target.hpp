// SPDX-License-Identifier: Apache-2.0
// The names of a result that is a folder of tiles, and what may be replaced under them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "codec/io/atomic_folder.hpp"
#include "schema/output_options.hpp"

namespace tessera {

/// Of "out.zarr" that folder; of "out.dzi" the folder "out_files" with the tiles, and the file.
struct TileFolderTarget {
  std::filesystem::path parent;
  /// In the order in which they get their names: the last is what a reader opens.
  std::vector<AtomicFolder::Entry> entries;
};

/// Symbolic links at the end of `path` are followed, as for files. Throws Error(usage) if the name has not the
/// format's extension, or stands for an object, standard output, a device, a FIFO or a socket. `name` is what sentences call it.
[[nodiscard]] TileFolderTarget tile_folder_target(const std::filesystem::path& path, FileFormat format,
                                                  const std::string& name);

/// Whether something has one of the names. Throws Error(usage) if that is no such result, nor an empty folder: what
/// somebody else has put there is not replaced.
[[nodiscard]] bool holds_older_result(const TileFolderTarget& target, FileFormat format);

}  // namespace tessera
