// SPDX-License-Identifier: Apache-2.0
// label: connected components, numbered and coloured.
#pragma once

#include "ops/regions/components.hpp"

namespace tessera {

struct Label {
  double threshold = 0;
  Connectivity connectivity = Connectivity::eight;

  static constexpr OperatorInfo info{
      .name = "label",
      .group = "Regions",
      .doc = "Paints every connected region brighter than a level in a colour of its own and counts them.",
      .definition =
          "Foreground: gray > threshold (in the image's own levels, threshold * 257 for 16-bit). Its "
          "4- or 8-connected components, the partition of cv::connectedComponents, are numbered from 1 in "
          "the "
          "scan order of their first pixels. Component n is painted in the colour label_color(n): with "
          "h = (n * 0x9e3779b97f4a7c15 mod 2^64), h ^= h >> 29, byte c of h (red, green, blue: c = 0, 1, 2) "
          "becomes 64 + (byte * 3) / 4, integer division, times 257 for 16-bit. Background is black. "
          "Finding: "
          "the number of components.",
      .example = "otsu | label connectivity=8",
      .gray_only = true};
  static constexpr auto params = std::tuple{
      number("threshold", &Label::threshold, "Pixels above this level belong to a region.",
             {.min = 0, .max = 255, .slider_min = 0, .slider_max = 255, .unit = "level"}),
      choice("connectivity", &Label::connectivity, "Whether regions also join at corners (8) or not (4).")};
  static constexpr std::array finding_columns{std::string_view("count")};
  static constexpr AlphaRule alpha_rule = AlphaRule::background;

  [[nodiscard]] PixelFormat result_format(PixelFormat in) const {
    in.channels = 3;
    return in;
  }
  /// Which pixels are foreground. How many runs they make is not known beforehand.
  [[nodiscard]] FrameCost cost(const ImageInfo& image, std::span<const Interval> rows, int rank,
                               int /*threads*/) const {
    return {.memory = rows[static_cast<std::size_t>(rank)].size() * image.extent.width};
  }
  void run(Frame& frame, const Tile& in, Tile& out) const;
};

/// The colour of component `number` (from 1), on the 8-bit scale.
[[nodiscard]] Color label_color(std::uint64_t number);

}  // namespace tessera
