// SPDX-License-Identifier: Apache-2.0
#include "codec/jpeg/frequencies.hpp"

#include <algorithm>

#include "codec/jpeg/zigzag.hpp"

namespace tessera {

ReducedBlock reduced_jpeg_block(const JpegScan& scan, int factor, std::size_t component) {
  const int luma_side = jpeg_block_side / factor;
  return {luma_side * scan.luma_rows / scan.rows_of(component),
          luma_side * scan.luma_columns / scan.columns_of(component)};
}

JpegFrequencyLayout::JpegFrequencyLayout(const JpegScan& scan, int factor) {
  constexpr std::array<std::uint8_t, 64> places = jpeg_places(jpeg_block_side);
  constexpr auto at_once = static_cast<std::size_t>(JpegFrequencies::blocks_at_once);
  for (std::size_t index = 0; index < scan.components.size(); ++index) {
    Component& component = components_.emplace_back();
    component.block = reduced_jpeg_block(scan, factor, index);
    component.lines = scan.rows_of(index);
    component.begin = size_;
    const auto blocks =
        static_cast<std::size_t>(scan.mcus_across()) * static_cast<std::size_t>(scan.columns_of(index));
    component.plane_size = (blocks + at_once - 1) / at_once * at_once;
    size_ += component.line_size() * static_cast<std::size_t>(component.lines);
    const auto left_out = static_cast<std::size_t>(component.block.samples()) * component.plane_size;
    component.distances.fill(static_cast<std::uint32_t>(left_out));
    for (int place = 0; place < static_cast<int>(places.size()); ++place) {
      const int row = places[static_cast<std::size_t>(place)] / jpeg_block_side;
      const int column = places[static_cast<std::size_t>(place)] % jpeg_block_side;
      if (row < component.block.rows && column < component.block.columns) {
        const auto plane = static_cast<std::size_t>(row * component.block.columns + column);
        const auto distance = static_cast<std::uint32_t>(plane * component.plane_size);
        component.distances[static_cast<std::size_t>(place)] = distance;
        component.distances[static_cast<std::size_t>(place + HuffmanEntry::ends_block)] = distance;
        component.last_place = place;
      }
    }
  }
}

}  // namespace tessera
