// SPDX-License-Identifier: Apache-2.0
// TIFFs of every layout that is read by strips or rows of tiles, made by libtiff.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.hpp"

namespace tessera::test {

struct TiffKind {
  std::uint16_t compression = 1;
  bool tiled = false;
  bool planes = false;
  std::uint16_t bits = 8;
  std::uint16_t samples = 3;
  bool big_endian = false;
};

/// All that go together.
[[nodiscard]] std::vector<TiffKind> tiff_kinds();
[[nodiscard]] std::string name_of(const TiffKind& kind);

constexpr std::uint32_t made_tiff_width = 150;
constexpr std::uint32_t made_tiff_height = 210;

/// A sample of the picture that is in all of them.
[[nodiscard]] std::uint32_t made_tiff_sample(const TiffKind& kind, std::int64_t x, std::int64_t y,
                                             int channel);

/// The file's bytes.
[[nodiscard]] Bytes make_tiff(const TiffKind& kind);

}  // namespace tessera::test
