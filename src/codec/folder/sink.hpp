// SPDX-License-Identifier: Apache-2.0
// The sink of formats that are folders of tiles.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "codec/writer.hpp"

namespace tessera {

/// A result at `target`, as open_sink() makes it; `metadata` are those of the result, and `warnings` what was said
/// when they were made.
[[nodiscard]] std::unique_ptr<FileSink> open_tile_folder(const std::filesystem::path& target,
                                                         const ImageInfo& info, Metadata metadata,
                                                         const WriteOptions& options, std::string name,
                                                         std::vector<std::string> warnings);
/// For ranks that only encode until they join the root's folder.
[[nodiscard]] std::unique_ptr<FileSink> make_tile_encoder(const ImageInfo& info, const WriteOptions& options);

}  // namespace tessera
