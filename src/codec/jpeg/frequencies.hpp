// SPDX-License-Identifier: Apache-2.0
// The coefficients that a JPEG read at 1/2, 1/4 or 1/8 of its size is made of: the lowest frequencies of its blocks.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "codec/jpeg/scan.hpp"

namespace tessera {

/// The samples that a block of 8 x 8 becomes, and the frequencies that are kept for them: as many, the lowest.
struct ReducedBlock {
  int rows = 0;     ///< 1, 2, 4 or 8
  int columns = 0;  ///< 1, 2, 4 or 8
  [[nodiscard]] int samples() const { return rows * columns; }
};

/// Of a component in a picture `factor` (2, 4 or 8) times smaller. Cb and Cr that are stored at half the size get the
/// size of Y, so that nothing is upsampled.
[[nodiscard]] ReducedBlock reduced_jpeg_block(const JpegScan& scan, int factor, std::size_t component);

/// Where rows of MCUs keep the coefficients of their components.
class JpegFrequencyLayout {
 public:
  struct Component {
    ReducedBlock block;
    int lines = 0;               ///< rows of blocks in a row of MCUs
    std::size_t begin = 0;       ///< of the first plane of the first line
    std::size_t plane_size = 0;  ///< coefficients of one frequency in a line, with some behind the last block
    int last_place = 0;          ///< in zigzag order, of those that are kept
    /// From a place in zigzag order to the distance of its plane from the first. What is left out has a plane of its
    /// own, behind the others, which nobody reads. Also of places to which HuffmanEntry::ends_block has been added.
    std::array<std::uint32_t, 320> distances{};

    /// Planes of a line are in the order of the frequencies, row by row.
    [[nodiscard]] std::size_t line_size() const {
      return plane_size * (static_cast<std::size_t>(block.samples()) + 1);
    }
  };

  JpegFrequencyLayout(const JpegScan& scan, int factor);
  [[nodiscard]] const Component& component(std::size_t index) const { return components_[index]; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  std::vector<Component> components_;
  std::size_t size_ = 0;
};

/// The quantized coefficients of one row of MCUs, block after block in a plane for each frequency, so that a vector has
/// the same frequency of neighbouring blocks.
class JpegFrequencies {
 public:
  /// Blocks that may be read together from the planes, from each multiple of their number on.
  static constexpr int blocks_at_once = 8;

  explicit JpegFrequencies(std::shared_ptr<const JpegFrequencyLayout> layout)
      : layout_(std::move(layout)), values_(layout_->size()) {}
  [[nodiscard]] const JpegFrequencyLayout& layout() const { return *layout_; }
  /// All 0.
  void clear() { values_.assign(values_.size(), 0); }
  /// The first plane of a line of blocks.
  [[nodiscard]] std::int16_t* line(std::size_t component, int line) {
    return values_.data() + place_of(component, line);
  }
  [[nodiscard]] const std::int16_t* line(std::size_t component, int line) const {
    return values_.data() + place_of(component, line);
  }

 private:
  [[nodiscard]] std::size_t place_of(std::size_t component, int line) const {
    const JpegFrequencyLayout::Component& of = layout_->component(component);
    return of.begin + of.line_size() * static_cast<std::size_t>(line);
  }

  std::shared_ptr<const JpegFrequencyLayout> layout_;
  std::vector<std::int16_t> values_;
};

}  // namespace tessera
