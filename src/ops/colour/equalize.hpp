// SPDX-License-Identifier: Apache-2.0
// equalize: spreads brightness evenly over all levels.
#pragma once

#include "ops/colour/level_table.hpp"
#include "ops/colour/luma.hpp"
#include "ops/kinds.hpp"

namespace tessera {

/// What equalize becomes: luma through a table, chroma as it was.
struct ApplyLumaLevels {
  std::shared_ptr<const LevelTable> table;

  void run(const cv::Mat& in, cv::Mat& out) const;
};

struct Equalize {
  static constexpr OperatorInfo info{
      .name = "equalize",
      .group = "Colour",
      .doc = "Spreads brightness evenly over all levels, which brings out detail in flat pictures.",
      .definition =
          "Gray: cv::equalizeHist over the whole image; 16-bit the same with 65536 levels and in double "
          "precision. RGB: the luma Y of operator grayscale is equalised to Y', and Y' - Y is added to R, G "
          "and B, clamped, which is to replace Y in YCrCb.",
      .example = "equalize"};
  static constexpr std::tuple<> params{};
  static constexpr Merge merge = Merge::sum;

  [[nodiscard]] std::size_t slots(const ImageInfo& image) const;
  [[nodiscard]] std::int64_t working_bytes(const ImageInfo& in, const Rect& part) const {
    return luma_bytes(in, part);
  }
  void map(const cv::Mat& tile, std::span<std::uint64_t> slots, const Region& region) const;
  [[nodiscard]] ApplyLumaLevels finish(std::span<const std::uint64_t> histogram,
                                       const ImageInfo& image) const;
};

}  // namespace tessera
