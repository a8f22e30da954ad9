// SPDX-License-Identifier: Apache-2.0
// rotate: quarter turns move pixels; other angles interpolate.
#pragma once

#include "ops/kinds.hpp"

namespace tessera {

enum class RotateMethod : std::uint8_t { nearest, linear };

template <>
struct EnumNames<RotateMethod> {
  static constexpr std::array names{std::pair{RotateMethod::nearest, std::string_view("nearest")},
                                    std::pair{RotateMethod::linear, std::string_view("linear")}};
};

struct Rotate {
  double angle = 90;
  bool expand = true;
  RotateMethod method = RotateMethod::linear;
  Color fill = {0, 0, 0};

  static constexpr OperatorInfo info{
      .name = "rotate",
      .group = "Geometry",
      .doc = "Turns the picture clockwise. Multiples of 90 degrees lose nothing; other angles interpolate.",
      .definition =
          "Multiples of 90: cv::rotate. Others: each pixel's middle is turned back about the middle of the "
          "canvas in double precision and read from its nearest pixel or by bilinear interpolation rounded "
          "to nearest; pixels outside the picture count as `fill` (its luma on gray pictures), fully "
          "transparent where there is alpha. The canvas grows to hold the picture if `expand`.",
      .example = "rotate angle=90"};
  static constexpr AlphaRule alpha_rule = AlphaRule::weighed;
  static constexpr bool reads_alpha = true;
  static constexpr auto params =
      std::tuple{number("angle", &Rotate::angle, "Clockwise.",
                        {.min = -360, .max = 360, .slider_min = -180, .slider_max = 180, .unit = "degrees"}),
                 boolean("expand", &Rotate::expand, "Make the canvas as big as the turned picture."),
                 choice("method", &Rotate::method, "How pixels between pixels are made."),
                 color("fill", &Rotate::fill, "Colour of the corners that appear.")};

  /// "90", "-7.5"
  static Json shorthand(std::string_view word);
  static std::vector<Rotate> samples(Extent);
  /// 0 to 3, or -1 for an angle that is no multiple of 90 degrees.
  [[nodiscard]] int quarter_turns() const;
  [[nodiscard]] bool crosses_rows() const { return quarter_turns() != 0; }
  [[nodiscard]] Extent result_extent(Extent in) const;
  [[nodiscard]] Rect needs(const Rect& out, Extent in) const;
  void run(const cv::Mat& in, cv::Mat& out, const Region& region) const;
};

}  // namespace tessera
