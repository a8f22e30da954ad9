// SPDX-License-Identifier: Apache-2.0
// box-blur: the mean of a square.
#pragma once

#include <opencv2/imgproc.hpp>
#include <vector>

#include "ops/blur/weighed_mean.hpp"

namespace tessera {

struct BoxBlur : Bordered {
  int radius = 2;

  static constexpr OperatorInfo info{
      .name = "box-blur",
      .group = "Blur and denoise",
      .doc = "Softens the picture with the mean of a square around each pixel: quick, with a boxy look.",
      .definition =
          "Mean of (2 radius + 1)^2 pixels, rounded to nearest: cv::blur for 8-bit, whole-number "
          "arithmetic for 16-bit, where cv::blur may be off by one.",
      .example = "box-blur radius=3"};
  static constexpr AlphaRule alpha_rule = AlphaRule::window;
  static constexpr bool reads_alpha = true;
  static constexpr auto params = std::tuple_cat(
      std::tuple{integer("radius", &BoxBlur::radius, "Pixels on each side of the middle one.",
                         {.min = 1, .max = 100, .slider_min = 1, .slider_max = 10, .unit = "px"})},
      border_params<BoxBlur>());

  [[nodiscard]] Halo halo() const { return Halo::all(radius); }
  /// The sums of 16-bit samples.
  [[nodiscard]] std::int64_t working_bytes(const ImageInfo& in, const Rect& part) const {
    constexpr std::int64_t sum_bytes = 4;
    const bool wide = in.format.depth == Depth::u16;
    return wide ? part.width * part.height * in.format.channels * sum_bytes : 0;
  }
  void run(const cv::Mat& in, cv::Mat& out, const Region& region) const {
    blur(in, out);
    if (region.transparency != nullptr) {
      weigh_square(in, out, region, std::vector<double>(static_cast<std::size_t>(2 * radius + 1), 1.0));
    }
  }

 private:
  void blur(const cv::Mat& in, cv::Mat& out) const {
    const cv::Size square(2 * radius + 1, 2 * radius + 1);
    if (in.depth() == CV_8U) {
      cv::blur(in, out, square);
      return;
    }
    // cv::blur divides 16-bit sums in float or double by where in the row a pixel lies; whole numbers do not
    // care. The largest sum, 201 * 201 * 65535, fits 32 bits without a sign.
    cv::Mat sums;
    cv::boxFilter(in, sums, CV_32S, square, {-1, -1}, false);
    const auto area = static_cast<std::uint32_t>(square.area());
    for (int y = 0; y < out.rows; ++y) {
      const auto* from = sums.ptr<std::int32_t>(y);
      auto* target = out.ptr<std::uint16_t>(y);
      for (int i = 0; i < out.cols * out.channels(); ++i) {
        const auto sum = static_cast<std::uint64_t>(static_cast<std::uint32_t>(from[i]));
        target[i] = static_cast<std::uint16_t>((sum + area / 2) / area);
      }
    }
  }
};

}  // namespace tessera
