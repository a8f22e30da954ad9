// SPDX-License-Identifier: Apache-2.0
// white-balance: takes out a colour cast.
#pragma once

#include "ops/colour/level_table.hpp"
#include "ops/kinds.hpp"

namespace tessera {

struct WhiteBalance {
  static constexpr OperatorInfo info{
      .name = "white-balance",
      .group = "Colour",
      .doc = "Takes out a colour cast by making the picture gray on average. Gray pictures pass unchanged.",
      .definition =
          "Gray world (G. Buchsbaum, 1980) on the stored levels: with the exact sums R, G, B of the channels "
          "over the whole image, channel c is multiplied by (R + G + B) / (3 c) in double precision, rounded "
          "to nearest even and clamped; a channel whose sum is 0 stays.",
      .example = "white-balance"};
  static constexpr std::tuple<> params{};
  static constexpr Merge merge = Merge::sum;

  [[nodiscard]] std::size_t slots(const ImageInfo& image) const {
    return static_cast<std::size_t>(image.format.channels);
  }
  void map(const cv::Mat& tile, std::span<std::uint64_t> slots, const Region& region) const;
  [[nodiscard]] ApplyLevels finish(std::span<const std::uint64_t> sums, const ImageInfo& image) const;
};

}  // namespace tessera
