// SPDX-License-Identifier: Apache-2.0
// threshold: cuts every channel at a given level.
#pragma once

#include <opencv2/imgproc.hpp>

#include "ops/kinds.hpp"

namespace tessera {

/// Numbers are cv::ThresholdTypes'.
enum class ThresholdType : std::uint8_t {
  binary = cv::THRESH_BINARY,
  binary_inv = cv::THRESH_BINARY_INV,
  trunc = cv::THRESH_TRUNC,
  tozero = cv::THRESH_TOZERO,
  tozero_inv = cv::THRESH_TOZERO_INV
};

template <>
struct EnumNames<ThresholdType> {
  static constexpr std::array names{std::pair{ThresholdType::binary, std::string_view("binary")},
                                    std::pair{ThresholdType::binary_inv, std::string_view("binary-inv")},
                                    std::pair{ThresholdType::trunc, std::string_view("trunc")},
                                    std::pair{ThresholdType::tozero, std::string_view("tozero")},
                                    std::pair{ThresholdType::tozero_inv, std::string_view("tozero-inv")}};
};

struct FixedThreshold {
  double value_level = 127;
  ThresholdType type = ThresholdType::binary;

  static constexpr OperatorInfo info{
      .name = "threshold",
      .group = "Threshold",
      .doc =
          "Cuts the picture at a level, each channel by itself: white above it and black elsewhere, or as "
          "the type says.",
      .definition =
          "cv::threshold(in, out, value, max, type) with value on the image's own scale (times 257 for "
          "16-bit), rounded down. Above value: binary max, binary-inv 0, trunc value, tozero in, tozero-inv "
          "0; elsewhere: 0, max, in, 0, in.",
      .example = "threshold value=128 type=binary-inv"};
  static constexpr auto params = std::tuple{
      number("value", &FixedThreshold::value_level, "The highest level that counts as dark.",
             {.min = 0, .max = 255, .slider_min = 0, .slider_max = 255, .unit = "level"}),
      choice("type", &FixedThreshold::type, "What becomes of levels above the value, and of the others.")};

  void run(const cv::Mat& in, cv::Mat& out) const {
    const PixelFormat format{.depth = in.depth() == CV_8U ? Depth::u8 : Depth::u16};
    cv::threshold(in, out, value_level * format.level_scale(), format.max_value(), static_cast<int>(type));
  }
};

}  // namespace tessera
