// SPDX-License-Identifier: Apache-2.0
// Which of the pictures in a TIFF is the one to read, found before libtiff sees the file.
#pragma once

#include <cstdint>
#include <vector>

#include "codec/common/header.hpp"

namespace tessera {

struct TiffPages {
  std::int64_t pictures = 1;  ///< full-size ones; neither previews, pyramid levels nor masks
  std::uint64_t chosen = 0;   ///< offset of its directory; 0: could not be found
  bool is_first = true;       ///< it is the directory that the file's header names
  bool dng = false;           ///< a raw photograph
  /// Offsets of the directories after the chosen one, up to the next full-size picture, that say that they
  /// are reduced pictures and not masks.
  std::vector<std::uint64_t> reduced = {};
};

/// The picture that the options choose, or the first full-size one: of the pages, or, where they are all previews,
/// of what belongs to the first of them (SubIFDs). Overviews of a page are the reduced pictures that follow it, and
/// those among its SubIFDs. Throws Error: limit_exceeded (pages), usage (no such page or overview), damaged_input
/// where pages follow each other in a circle; ReadOptions::salvage passes over the circle.
[[nodiscard]] TiffPages find_tiff_pages(const Input& input, const ReadOptions& options);

/// The same file with a header that names `directory` as the first.
[[nodiscard]] std::shared_ptr<const Input> with_first_directory(std::shared_ptr<const Input> input,
                                                                std::uint64_t directory);

}  // namespace tessera
