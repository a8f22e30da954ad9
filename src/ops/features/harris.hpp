// SPDX-License-Identifier: Apache-2.0
// harris: corners, marked and listed.
#pragma once

#include "ops/features/harris_response.hpp"
#include "ops/kinds.hpp"

namespace tessera {

/// How Harris' corners are chosen and shown; see Harris.
struct HarrisMarking {
  HarrisWindow window;
  int radius_px = 4;
  Color color{255, 0, 0};
};

/// What Harris becomes once the strongest response of the whole image is known.
struct HarrisMarks : Bordered {
  HarrisMarking marking;
  double threshold = 0;  ///< corners have a response above it

  static constexpr std::array finding_columns{std::string_view("x"), std::string_view("y"),
                                              std::string_view("response")};
  static constexpr bool reads_alpha = true;

  [[nodiscard]] PixelFormat result_format(PixelFormat in) const {
    in.channels = 3;
    return in;
  }
  [[nodiscard]] Halo halo() const { return Halo::all(marking.radius_px + marking.window.reach_px() + 1); }
  [[nodiscard]] std::int64_t working_bytes(const ImageInfo& in, const Rect& part) const {
    return harris_bytes(in, part);
  }
  void run(const cv::Mat& in, cv::Mat& out, const Region& region) const;
};

struct Harris : Bordered {
  int block_size = 2;
  double k = 0.04;
  double quality = 0.01;
  int radius = 4;
  Color color{255, 0, 0};

  static constexpr OperatorInfo info{
      .name = "harris",
      .group = "Edges and features",
      .doc = "Finds corners, circles them and lists them.",
      .definition =
          "C. Harris and M. Stephens, 1988. On gray (operator grayscale): dx, dy = cv::Sobel 3x3; A, B, C = "
          "exact integer sums of dx^2, dx dy, dy^2 over block-size x block-size pixels from x - block-size / "
          "2 "
          "(integer division) on, times (4 block-size max)^-2; R = (A C - B^2) - k (A + C)^2 in double "
          "precision. That is cv::cornerHarris(gray, block-size, 3, k) but for its single-precision running "
          "sums, on an image continued by the border rule before, not after, the gradient. Corners: R > 0, R "
          "> "
          "quality * (largest R of the image), R greater than its neighbours in the 3x3 square that come "
          "earlier in scan order and no less than the later ones, neighbours outside the image ignored. Each "
          "corner is circled by the pixels at squared distance d, |d - radius^2| <= radius (radius 0: the "
          "pixel "
          "itself). Findings in scan order: x, y, R.",
      .example = "harris quality=0.01 radius=4"};
  static constexpr auto params = std::tuple_cat(
      std::tuple{integer("block-size", &Harris::block_size, "Side of the window gradients are summed over.",
                         {.min = 1, .max = 31, .slider_min = 2, .slider_max = 9, .unit = "px"}),
                 number("k", &Harris::k, "Harris' constant: higher finds fewer corners on edges.",
                        {.min = 0, .max = 0.25, .slider_min = 0.02, .slider_max = 0.2}),
                 number("quality", &Harris::quality,
                        "Weakest response that counts, as a fraction of the strongest in the picture.",
                        {.min = 0.0001, .max = 1, .slider_min = 0.001, .slider_max = 0.5}),
                 integer("radius", &Harris::radius, "Radius of the circles around corners.",
                         {.min = 0, .max = 64, .slider_min = 1, .slider_max = 16, .unit = "px"}),
                 tessera::color("color", &Harris::color, "Colour of the circles.")},
      border_params<Harris>());
  static constexpr Merge merge = Merge::maximum;

  [[nodiscard]] PixelFormat result_format(PixelFormat in) const {
    in.channels = 3;
    return in;
  }
  [[nodiscard]] HarrisWindow window() const { return {block_size, k}; }
  [[nodiscard]] Halo halo() const { return Halo::all(window().reach_px()); }
  [[nodiscard]] std::int64_t working_bytes(const ImageInfo& in, const Rect& part) const {
    return harris_bytes(in, part);
  }
  [[nodiscard]] Halo applied_halo() const { return Halo::all(radius + window().reach_px() + 1); }
  [[nodiscard]] std::size_t slots(const ImageInfo&) const { return 1; }
  void map(const cv::Mat& tile, std::span<std::uint64_t> slots, const Region& region) const;
  [[nodiscard]] HarrisMarks finish(std::span<const std::uint64_t> slots, const ImageInfo& image) const;
};

}  // namespace tessera
