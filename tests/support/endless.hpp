// SPDX-License-Identifier: Apache-2.0
// Work that no machine finishes while a test waits, for tests that interrupt, kill or limit it: they do not
// depend on how fast the machine is.
#pragma once

#include <filesystem>
#include <fstream>

namespace tessera::testing {

/// Hours on the image of write_endless_image().
inline constexpr const char* endless_pipeline = "non-local-means search-radius=20 template-radius=7";
/// Many minutes on an image of any size.
inline constexpr const char* endless_pipeline_on_any_image =
    "resize width=20000 height=20000 | non-local-means search-radius=20 template-radius=7";

/// A gray PNM of 4 gigapixels in a sparse file, which needs no room on the disk.
inline void write_endless_image(const std::filesystem::path& file) {
  const std::string header = "P5\n4000 1000000\n255\n";
  std::ofstream(file, std::ios::binary) << header;
  std::filesystem::resize_file(file, header.size() + std::uintmax_t{4000} * 1'000'000);
}

}  // namespace tessera::testing
