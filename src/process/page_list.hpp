// SPDX-License-Identifier: Apache-2.0
// The pictures in a file that has several.
#pragma once

#include <vector>

#include "process/image_input.hpp"

namespace tessera {

struct PageInfo {
  ImageInfo image;  ///< of the picture itself, which ReadOptions::page chooses
  std::vector<ImageInfo>
      overviews;  ///< its smaller levels, which ReadOptions::overview chooses, in that order
};

/// Finding a page means passing all those before it.
inline constexpr int max_listed_pages = 1000;

/// The full-size pictures of a TIFF with their smaller levels, at most max_listed_pages; the picture alone for
/// other formats. Only headers are read. Throws what open_image() throws.
[[nodiscard]] std::vector<PageInfo> list_pages(const ImageInput& input, ReadOptions options);

}  // namespace tessera
