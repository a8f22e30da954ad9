// SPDX-License-Identifier: Apache-2.0
// gradient, top-hat, black-hat: what erosion and dilation change.
#pragma once

#include <cmath>
#include <opencv2/core.hpp>

#include "ops/border.hpp"
#include "ops/morphology/element.hpp"

namespace tessera {

/// Of a copy of the colours, such as the first step of two.
[[nodiscard]] inline std::int64_t picture_bytes(const ImageInfo& in, const Rect& part) {
  return part.width * part.height * in.format.channels * in.format.bytes_per_sample();
}

struct MorphologicalGradient : Structured {
  static constexpr OperatorInfo info{
      .name = "gradient",
      .group = "Morphology",
      .doc = "Shows outlines: how much the brightest and darkest neighbours differ.",
      .definition = "dilate - erode (cv::MORPH_GRADIENT), with ghost pixels by `border`.",
      .example = "gradient size=3"};
  static constexpr auto params = structured_params<MorphologicalGradient>();

  [[nodiscard]] Halo halo() const { return Halo::all(radius_px()); }
  [[nodiscard]] std::int64_t working_bytes(const ImageInfo& in, const Rect& part) const {
    return picture_bytes(in, part);
  }
  void run(const cv::Mat& in, cv::Mat& out) const {
    const cv::Mat kernel = element();
    cv::Mat eroded;
    cv::erode(in, eroded, kernel);
    cv::dilate(in, out, kernel);
    cv::subtract(out, eroded, out);
  }
};

/// The second step of an opening or closing sees ghost pixels of the first step's result, as it would on the
/// whole image. Where the border wraps, ghost rows of the input are deep enough for the first step to be
/// right in them.
inline void refill_outside(cv::Mat& between, const Structured& op, const Region& region) {
  fill_border(between, region.in, region.image.extent, op.border,
              std::round(op.border_value * region.image.format.level_scale()));
}

struct TopHat : Structured {
  static constexpr OperatorInfo info{
      .name = "top-hat",
      .group = "Morphology",
      .doc = "Keeps bright specks smaller than the neighbourhood and nothing else.",
      .definition = "in - open(in) (cv::MORPH_TOPHAT), with ghost pixels by `border`.",
      .example = "top-hat size=9"};
  static constexpr auto params = structured_params<TopHat>();

  [[nodiscard]] Halo halo() const { return Halo::all(2 * radius_px()); }
  [[nodiscard]] std::int64_t working_bytes(const ImageInfo& in, const Rect& part) const {
    return picture_bytes(in, part);
  }
  void run(const cv::Mat& in, cv::Mat& out, const Region& region) const {
    const cv::Mat kernel = element();
    cv::Mat eroded;
    cv::erode(in, eroded, kernel);
    refill_outside(eroded, *this, region);
    cv::dilate(eroded, out, kernel);
    cv::subtract(in, out, out);
  }
};

struct BlackHat : Structured {
  static constexpr OperatorInfo info{
      .name = "black-hat",
      .group = "Morphology",
      .doc = "Keeps dark specks smaller than the neighbourhood, as bright ones.",
      .definition = "close(in) - in (cv::MORPH_BLACKHAT), with ghost pixels by `border`.",
      .example = "black-hat size=9"};
  static constexpr auto params = structured_params<BlackHat>();

  [[nodiscard]] Halo halo() const { return Halo::all(2 * radius_px()); }
  [[nodiscard]] std::int64_t working_bytes(const ImageInfo& in, const Rect& part) const {
    return picture_bytes(in, part);
  }
  void run(const cv::Mat& in, cv::Mat& out, const Region& region) const {
    const cv::Mat kernel = element();
    cv::Mat dilated;
    cv::dilate(in, dilated, kernel);
    refill_outside(dilated, *this, region);
    cv::erode(dilated, out, kernel);
    cv::subtract(out, in, out);
  }
};

}  // namespace tessera
