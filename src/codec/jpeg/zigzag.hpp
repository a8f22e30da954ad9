// SPDX-License-Identifier: Apache-2.0
// The order in which a JPEG stores the coefficients of a block (ITU-T T.81, figure A.6).
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "codec/jpeg/scan.hpp"

namespace tessera {

/// From a place in zigzag order to that in rows which begin `stride` apart.
constexpr std::array<std::uint8_t, 64> jpeg_places(int stride) {
  std::array<std::uint8_t, 64> places{};
  int row = 0;
  int column = 0;
  for (std::uint8_t& place : places) {
    place = static_cast<std::uint8_t>(row * stride + column);
    const bool up = (row + column) % 2 == 0;
    const int edge = jpeg_block_side - 1;
    if (up) {
      if (column == edge) {
        ++row;
      } else {
        ++column;
        row = std::max(0, row - 1);
      }
    } else {
      if (row == edge) {
        ++column;
      } else {
        ++row;
        column = std::max(0, column - 1);
      }
    }
  }
  return places;
}

}  // namespace tessera
