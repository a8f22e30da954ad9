// SPDX-License-Identifier: Apache-2.0
// erode and dilate: darkest and brightest of the neighbourhood; open and close: one after the other.
#pragma once

#include "ops/morphology/element.hpp"
#include "ops/operator.hpp"

namespace tessera {

struct Erode : Structured {
  static constexpr OperatorInfo info{
      .name = "erode",
      .group = "Morphology",
      .doc = "Shrinks what is bright: each pixel becomes the darkest of its neighbourhood.",
      .definition =
          "Minimum over the structuring element in every channel: cv::erode, with ghost pixels by `border` "
          "(OpenCV's own default ignores what lies outside).",
      .example = "erode size=5"};
  static constexpr auto params = structured_params<Erode>();

  [[nodiscard]] Halo halo() const { return Halo::all(radius_px()); }
  void run(const cv::Mat& in, cv::Mat& out) const { cv::erode(in, out, element()); }
};

struct Dilate : Structured {
  static constexpr OperatorInfo info{
      .name = "dilate",
      .group = "Morphology",
      .doc = "Grows what is bright: each pixel becomes the brightest of its neighbourhood.",
      .definition =
          "Maximum over the structuring element in every channel: cv::dilate, with ghost pixels by `border` "
          "(OpenCV's own default ignores what lies outside).",
      .example = "dilate size=5"};
  static constexpr auto params = structured_params<Dilate>();

  [[nodiscard]] Halo halo() const { return Halo::all(radius_px()); }
  void run(const cv::Mat& in, cv::Mat& out) const { cv::dilate(in, out, element()); }
};

struct Open : Structured {
  static constexpr OperatorInfo info{.name = "open",
                                     .group = "Morphology",
                                     .doc = "Removes bright specks smaller than the neighbourhood.",
                                     .definition = "erode, then dilate, each with its own ghost pixels.",
                                     .example = "open size=5"};
  static constexpr auto params = structured_params<Open>();

  [[nodiscard]] std::vector<Operator> expand() const {
    return {make_operator(same_element<Erode>(*this)), make_operator(same_element<Dilate>(*this))};
  }
};

struct Close : Structured {
  static constexpr OperatorInfo info{.name = "close",
                                     .group = "Morphology",
                                     .doc = "Fills dark specks smaller than the neighbourhood.",
                                     .definition = "dilate, then erode, each with its own ghost pixels.",
                                     .example = "close size=5"};
  static constexpr auto params = structured_params<Close>();

  [[nodiscard]] std::vector<Operator> expand() const {
    return {make_operator(same_element<Dilate>(*this)), make_operator(same_element<Erode>(*this))};
  }
};

}  // namespace tessera
