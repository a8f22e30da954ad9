// SPDX-License-Identifier: Apache-2.0
// The inverse cosine transforms of 1, 2, 4 and 8 samples over a block's lowest frequencies.
#pragma once

#include <array>
#include <cstdint>

#include "codec/jpeg/frequencies.hpp"

namespace tessera {

/// Makes samples of one component. Each line of blocks is independent; safe from several threads.
class ReducedTransform {
 public:
  /// `quantizers` row by row, of all 64 frequencies.
  ReducedTransform(ReducedBlock block, const std::array<std::uint16_t, 64>& quantizers);

  [[nodiscard]] ReducedBlock block() const { return block_; }
  /// A line of blocks: `count` of them, and as many more as fill up JpegFrequencies::blocks_at_once, become
  /// block().rows lines of samples that begin `stride` apart. Planes of frequencies begin `plane_size` apart.
  ///
  /// The arithmetic is in integers: coefficients times quantizers are limited to 13 bits and a sign, all else is
  /// modulo 2^32; constants have 13 bits behind the point, and 4 are kept between columns and rows. So every processor
  /// gives the same samples, at most one level from those of exact arithmetic where these are not far outside 0..255.
  void run(const std::int16_t* planes, std::size_t plane_size, std::int64_t count, std::uint8_t* out,
           std::int64_t stride) const;

 private:
  ReducedBlock block_;
  std::array<std::int32_t, 64> quantizers_{};  ///< in the order of the planes
};

}  // namespace tessera
