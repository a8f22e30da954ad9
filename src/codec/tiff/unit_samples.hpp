// SPDX-License-Identifier: Apache-2.0
// From what libtiff unpacks of a strip, or of the tiles of a row, to rows of samples.
#pragma once

#include <cstddef>
#include <cstdint>

#include "codec/tiff/file.hpp"

namespace tessera {

/// A unit is a strip or a row of tiles, of all planes. Its rows are held interleaved, in the machine's byte order.
class UnitSamples {
 public:
  explicit UnitSamples(const TiffLayout& layout);
  [[nodiscard]] const TiffLayout& layout() const { return layout_; }
  [[nodiscard]] int planes() const { return planes_; }
  [[nodiscard]] std::int64_t row_bytes() const { return row_bytes_; }
  /// In a unit; the last one may have fewer.
  [[nodiscard]] std::int64_t rows_of(std::int64_t unit) const;
  /// Whether a strip unpacks to rows as they are held.
  [[nodiscard]] bool strips_as_held() const { return layout_.bits >= 8 && planes_ == 1; }
  /// Of a row of a strip's plane, as libtiff unpacks it.
  [[nodiscard]] std::int64_t packed_row_bytes() const;
  /// Spreads `columns` packed samples of a plane over row `y` of what is held, from column `x` on. Different planes
  /// and columns may be spread by different threads.
  void unpack(const std::byte* packed, std::byte* held, std::int64_t y, std::int64_t x, std::int64_t columns,
              int plane) const;
  /// Makes samples of a row in place that mean what they say: white is high, and alpha is not multiplied in (rounded).
  void finish_row(std::byte* row) const;

 private:
  template <class Sample>
  void finish(Sample* row) const;

  TiffLayout layout_;
  int planes_;
  int plane_samples_;
  int sample_bytes_;
  std::int64_t row_bytes_;
};

}  // namespace tessera
