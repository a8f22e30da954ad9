// SPDX-License-Identifier: Apache-2.0
// find-border: what lies within a margin of one colour.
#pragma once

#include "ops/kinds.hpp"

namespace tessera {

/// What FindBorder becomes once the content is known.
struct PaintBorder {
  Rect content;  ///< empty where there is no border, because the whole picture is of one colour
  Color color;

  static constexpr std::array finding_columns{std::string_view("x"), std::string_view("y"),
                                              std::string_view("width"), std::string_view("height")};

  [[nodiscard]] PixelFormat result_format(PixelFormat in) const {
    in.channels = 3;
    return in;
  }
  void run(const cv::Mat& in, cv::Mat& out, const Region& region) const;
};

struct FindBorder {
  double tolerance = 10;
  Color color{255, 0, 0};

  static constexpr OperatorInfo info{
      .name = "find-border",
      .group = "Edges and features",
      .doc =
          "Finds the margin of one colour around a picture, paints it, and tells which rectangle is left within.",
      .definition =
          "The background is the colour of the top left pixel. A row or column belongs to it if no sample in it differs "
          "from that colour by more than `tolerance` (times 257 for 16-bit). The content is the smallest rectangle "
          "that has all other rows and columns; what lies outside is painted. Where the top left pixel is fully "
          "transparent, only fully transparent pixels are background. Finding: the content as x, y, width and height; "
          "none where the whole picture is background, which then stays as it is.",
      .example = "find-border tolerance=10"};
  static constexpr auto params =
      std::tuple{number("tolerance", &FindBorder::tolerance,
                        "How far the border's levels may be from those of the top left pixel.",
                        {.min = 0, .max = 255, .slider_min = 0, .slider_max = 64, .unit = "level"}),
                 tessera::color("color", &FindBorder::color, "Colour that the border is painted in.")};
  static constexpr Merge merge = Merge::maximum;

  static std::vector<FindBorder> samples(Extent) { return {{}, {.tolerance = 0}, {.tolerance = 120}}; }
  [[nodiscard]] PixelFormat result_format(const PixelFormat& in) const {
    return PaintBorder{}.result_format(in);
  }
  [[nodiscard]] std::size_t slots(const ImageInfo& image) const;
  void map(const cv::Mat& tile, std::span<std::uint64_t> slots, const Region& region) const;
  [[nodiscard]] PaintBorder finish(std::span<const std::uint64_t> slots, const ImageInfo& image) const;
};

}  // namespace tessera
