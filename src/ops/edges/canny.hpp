// SPDX-License-Identifier: Apache-2.0
// canny: thin edges, weak ones kept where they continue strong ones.
#pragma once

#include "ops/edges/canny_edges.hpp"
#include "ops/operator.hpp"

namespace tessera {

enum class CannyAperture : std::uint8_t { three, five, seven };

template <>
struct EnumNames<CannyAperture> {
  static constexpr std::array names{std::pair{CannyAperture::three, std::string_view("3")},
                                    std::pair{CannyAperture::five, std::string_view("5")},
                                    std::pair{CannyAperture::seven, std::string_view("7")}};
};

/// The first part of canny, which needs a few rows around a pixel: it runs strip by strip, while the picture
/// is read.
struct CannyRidges : Bordered {
  CannySettings settings;

  static constexpr OperatorInfo info{.name = "canny-ridges",
                                     .group = "Edges and features",
                                     .doc = "Marks ridges of the gradient as weak (1) or strong (2).",
                                     .definition = "See classify_edges().",
                                     .example = "canny",
                                     .gray_only = true};
  static constexpr std::tuple<> params{};

  explicit CannyRidges(const CannySettings& given) : settings(given) { border = Border::replicate; }
  [[nodiscard]] Halo halo() const { return Halo::all(canny_reach(settings)); }
  void run(const cv::Mat& in, cv::Mat& out, const Region& region) const {
    classify_edges(in, out, region, settings);
  }
};

/// The second part, which needs the whole picture.
struct CannyHysteresis {
  static constexpr OperatorInfo info{.name = "canny",
                                     .group = "Edges and features",
                                     .doc = "Keeps weak pixels that lead to strong ones.",
                                     .definition = "See link_edges().",
                                     .example = "canny",
                                     .gray_only = true};
  static constexpr std::tuple<> params{};
  static constexpr bool in_place = true;
  static constexpr AlphaRule alpha_rule = AlphaRule::background;

  /// Classes of 16-bit pictures are made narrow. How many runs they have is not known beforehand.
  [[nodiscard]] FrameCost cost(const ImageInfo& image, std::span<const Interval> rows, int rank,
                               int /*threads*/) const {
    const bool wide = image.format.depth == Depth::u16;
    return {.memory = wide ? rows[static_cast<std::size_t>(rank)].size() * image.extent.width : 0};
  }
  void run(Frame& frame, const Tile& in, Tile& out) const {
    cv::Mat classes = in.color;
    if (classes.depth() != CV_8U) {
      in.color.convertTo(classes, CV_8U);
    }
    link_edges(frame, classes, out.color);
  }
};

struct Canny {
  double low = 50;
  double high = 150;
  CannyAperture aperture = CannyAperture::three;
  bool l2 = false;

  static constexpr OperatorInfo info{
      .name = "canny",
      .group = "Edges and features",
      .doc = "Finds thin, connected edges: white lines on black.",
      .definition =
          "J. Canny, 1986, exactly as cv::Canny(gray, low, high, aperture, l2) on the whole 8-bit image: "
          "Sobel "
          "derivatives with BORDER_REPLICATE (divided by 16 and rounded half to even for aperture 7, whose "
          "thresholds are too), magnitude |dx| + |dy| or dx^2 + dy^2 against floor(threshold) or "
          "floor(threshold^2), non-maximum suppression in four directions, 8-connected hysteresis. 16-bit: "
          "the "
          "same in wider integers with both thresholds (and their limit of 32767) times 257. Result 0 or the "
          "largest value.",
      .example = "canny low=50 high=150",
      .gray_only = true};
  static constexpr auto params = std::tuple{
      number("low", &Canny::low, "Gradient above which an edge is continued.",
             {.min = 0, .max = 32767, .slider_min = 0, .slider_max = 500, .unit = "level"}),
      number("high", &Canny::high, "Gradient above which an edge is begun.",
             {.min = 0, .max = 32767, .slider_min = 0, .slider_max = 500, .unit = "level"}),
      choice("aperture", &Canny::aperture, "Size of the Sobel kernel that measures the gradient."),
      boolean("l2", &Canny::l2, "Measure gradients by their Euclidean length instead of |dx| + |dy|.")};

  [[nodiscard]] std::vector<Operator> expand() const {
    const CannySettings settings{
        .low = low, .high = high, .aperture = 3 + 2 * static_cast<int>(aperture), .l2_gradient = l2};
    return {make_operator(CannyRidges(settings)), make_operator(CannyHysteresis())};
  }
};

}  // namespace tessera
