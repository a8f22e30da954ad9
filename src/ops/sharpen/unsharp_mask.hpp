// SPDX-License-Identifier: Apache-2.0
// unsharp-mask: adds back what a blur takes away.
#pragma once

#include "ops/blur/gaussian_blur.hpp"

namespace tessera {

struct UnsharpMask : Bordered {
  double sigma = 2;
  double amount = 1;
  double threshold = 0;

  static constexpr OperatorInfo info{
      .name = "unsharp-mask",
      .group = "Sharpen",
      .doc = "Sharpens by adding back what a blur takes away; small differences can be left alone.",
      .definition =
          "d = p - gaussian-blur(p, sigma); out = p where |d| <= threshold, else round(p + amount d), halves "
          "to even, saturated, in single precision.",
      .example = "unsharp-mask sigma=2 amount=1.5"};
  static constexpr AlphaRule alpha_rule = AlphaRule::window;
  static constexpr bool reads_alpha = true;
  static constexpr auto params = std::tuple_cat(
      std::tuple{number("sigma", &UnsharpMask::sigma, "Width of the blur: the size of detail to sharpen.",
                        {.min = 0.1, .max = 64, .slider_min = 0.5, .slider_max = 8, .unit = "px"}),
                 number("amount", &UnsharpMask::amount, "How much of the difference is added.",
                        {.min = 0, .max = 10, .slider_min = 0.1, .slider_max = 3}),
                 number("threshold", &UnsharpMask::threshold, "Differences up to this stay as they are.",
                        {.min = 0, .max = 255, .slider_min = 0, .slider_max = 20, .unit = "level"})},
      border_params<UnsharpMask>());

  [[nodiscard]] Halo halo(const ImageInfo& image) const { return blur().halo(image); }
  [[nodiscard]] std::int64_t working_bytes(const ImageInfo& in, const Rect& part) const {
    return blur().working_bytes(in, part);
  }
  void run(const cv::Mat& in, cv::Mat& out, const Region& region) const {
    blur().run(in, out, region);
    if (in.depth() == CV_8U) {
      add_difference<std::uint8_t>(in, out, 1);
    } else {
      add_difference<std::uint16_t>(in, out, 257);
    }
  }

 private:
  [[nodiscard]] GaussianBlur blur() const {
    GaussianBlur result;
    result.sigma = sigma;
    return result;
  }
  /// `out` holds the blurred picture.
  template <class T>
  void add_difference(const cv::Mat& in, cv::Mat& out, double level_scale) const {
    const auto gain = static_cast<float>(amount);
    const auto least = static_cast<float>(threshold * level_scale);
    for (int y = 0; y < in.rows; ++y) {
      const T* row = in.ptr<T>(y);
      T* target = out.ptr<T>(y);
      for (int i = 0; i < in.cols * in.channels(); ++i) {
        const auto difference = static_cast<float>(row[i] - target[i]);
        const bool kept = std::abs(difference) <= least;
        target[i] = kept ? row[i] : cv::saturate_cast<T>(static_cast<float>(row[i]) + gain * difference);
      }
    }
  }
};

}  // namespace tessera
