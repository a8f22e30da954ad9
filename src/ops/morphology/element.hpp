// SPDX-License-Identifier: Apache-2.0
// The structuring element, which all morphological operators share.
#pragma once

#include <opencv2/imgproc.hpp>

#include "ops/kinds.hpp"

namespace tessera {

enum class Shape : std::uint8_t { rectangle, cross, ellipse };

template <>
struct EnumNames<Shape> {
  static constexpr std::array names{std::pair{Shape::rectangle, std::string_view("rectangle")},
                                    std::pair{Shape::cross, std::string_view("cross")},
                                    std::pair{Shape::ellipse, std::string_view("ellipse")}};
};

struct Structured : Bordered {
  Shape shape = Shape::ellipse;
  int size = 5;

  [[nodiscard]] int radius_px() const { return size / 2; }
  /// cv::getStructuringElement of that shape.
  [[nodiscard]] cv::Mat element() const {
    const int kind = shape == Shape::rectangle ? cv::MORPH_RECT
                     : shape == Shape::cross   ? cv::MORPH_CROSS
                                               : cv::MORPH_ELLIPSE;
    return cv::getStructuringElement(kind, {size, size});
  }
};

template <class Op>
constexpr auto structured_params() {
  return std::tuple_cat(
      std::tuple{Param<Op, Shape>{"shape", &Op::shape, "Shape of the neighbourhood.", {}},
                 Param<Op, int>{
                     "size",
                     &Op::size,
                     "Width and height of the neighbourhood.",
                     {.min = 3, .max = 101, .slider_min = 3, .slider_max = 15, .unit = "px", .odd = true}}},
      border_params<Op>());
}

/// `to` gets the same shape, size and border.
template <class To>
To same_element(const Structured& from) {
  To to;
  static_cast<Structured&>(to) = from;
  return to;
}

}  // namespace tessera
