// SPDX-License-Identifier: Apache-2.0
// hough-lines: straight lines, drawn and listed.
#pragma once

#include "ops/edges/canny.hpp"

namespace tessera {

struct HoughLines {
  double low = 50;
  double high = 150;
  double rho_step = 1;
  double theta_step = 1;
  int votes = 100;
  int max_lines = 50;
  double width = 3;
  Color color{255, 0, 0};

  static constexpr OperatorInfo info{
      .name = "hough-lines",
      .group = "Edges and features",
      .doc = "Finds straight lines, draws them on the picture and lists them.",
      .definition =
          "On gray (operator grayscale): edges as operator canny with low, high, aperture 3, L1 gradient; "
          "then "
          "the standard Hough transform (R. Duda and P. Hart, 1972) exactly as cv::HoughLines(edges, "
          "rho-step, "
          "theta-step * pi / 180, votes): single-precision tables of sine and cosine, rho rounded half to "
          "even, "
          "local maxima of the accumulator above `votes`, most votes first, then by angle and rho. At most "
          "max-lines of them. Drawn: the pixels with |x cos(theta) + y sin(theta) - rho| <= width / 2 in "
          "double "
          "precision from the listed rho and theta. Findings: rho in pixels, theta in radians (the normal's "
          "angle), votes.",
      .example = "hough-lines votes=100 max-lines=20"};
  static constexpr auto params = std::tuple{
      number("low", &HoughLines::low, "Gradient above which an edge is continued.",
             {.min = 0, .max = 32767, .slider_min = 0, .slider_max = 500, .unit = "level"}),
      number("high", &HoughLines::high, "Gradient above which an edge is begun.",
             {.min = 0, .max = 32767, .slider_min = 0, .slider_max = 500, .unit = "level"}),
      number("rho-step", &HoughLines::rho_step,
             "How finely the distance of lines from the origin is told apart.",
             {.min = 0.25, .max = 64, .slider_min = 0.5, .slider_max = 8, .unit = "px"}),
      number("theta-step", &HoughLines::theta_step, "How finely the direction of lines is told apart.",
             {.min = 0.1, .max = 90, .slider_min = 0.5, .slider_max = 10, .unit = "degrees"}),
      integer("votes", &HoughLines::votes, "A line has more edge pixels on it than this.",
              {.min = 1, .max = 1'000'000, .slider_min = 10, .slider_max = 1000}),
      integer("max-lines", &HoughLines::max_lines, "How many lines are kept, the ones with most votes first.",
              {.min = 1, .max = 10'000, .slider_min = 1, .slider_max = 200}),
      number("width", &HoughLines::width, "Width of the lines drawn.",
             {.min = 1, .max = 64, .slider_min = 1, .slider_max = 9, .unit = "px"}),
      tessera::color("color", &HoughLines::color, "Colour of the lines drawn.")};
  static constexpr std::array finding_columns{std::string_view("rho"), std::string_view("theta"),
                                              std::string_view("votes")};
  static constexpr AlphaRule alpha_rule = AlphaRule::surroundings;

  [[nodiscard]] PixelFormat result_format(PixelFormat in) const {
    in.channels = 3;
    return in;
  }
  [[nodiscard]] Halo alpha_halo() const { return Halo::all(canny_reach({})); }
  [[nodiscard]] FrameCost cost(const ImageInfo& image, std::span<const Interval> rows, int rank,
                               int threads) const;
  /// Throws Error(limit_exceeded) if the accumulator would pass 2^26 counters.
  void run(Frame& frame, const Tile& in, Tile& out) const;
};

}  // namespace tessera
