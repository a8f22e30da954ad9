// SPDX-License-Identifier: Apache-2.0
// What has to be known of a JPEG of one scan to read it.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "codec/jpeg/huffman.hpp"

namespace tessera {

constexpr int jpeg_block_side = 8;

/// A frame of one scan: gray, or Y, Cb and Cr, of which Cb and Cr have one block in each MCU.
struct JpegScan {
  struct Component {
    HuffmanSpec dc;
    HuffmanSpec ac;
    std::array<std::uint16_t, 64> quantizers{};  ///< row by row
  };
  std::int64_t width = 0;
  std::int64_t height = 0;
  std::vector<Component> components;  ///< one or three
  int luma_columns = 1;               ///< blocks of Y in an MCU side by side: 1 or 2
  int luma_rows = 1;                  ///< and one below the other
  std::int64_t restart_interval = 0;  ///< MCUs; 0: none
  std::int64_t data_offset = 0;       ///< of the entropy-coded bytes in the input

  /// Blocks of a component in an MCU.
  [[nodiscard]] int columns_of(std::size_t component) const { return component == 0 ? luma_columns : 1; }
  [[nodiscard]] int rows_of(std::size_t component) const { return component == 0 ? luma_rows : 1; }
  [[nodiscard]] std::int64_t mcu_width() const { return std::int64_t{jpeg_block_side} * luma_columns; }
  [[nodiscard]] std::int64_t mcu_height() const { return std::int64_t{jpeg_block_side} * luma_rows; }
  [[nodiscard]] std::int64_t mcus_across() const { return (width + mcu_width() - 1) / mcu_width(); }
  [[nodiscard]] std::int64_t mcus_down() const { return (height + mcu_height() - 1) / mcu_height(); }
};

}  // namespace tessera
