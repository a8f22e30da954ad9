// SPDX-License-Identifier: Apache-2.0
// gaussian-blur: softens with a bell curve.
#pragma once

#include <cmath>
#include <opencv2/imgproc.hpp>

#include "ops/blur/weighed_mean.hpp"
#include "ops/blur/wide_gaussian.hpp"
#include "ops/kinds.hpp"

namespace tessera {

struct GaussianBlur : Bordered {
  double sigma = 1.5;

  static constexpr OperatorInfo info{
      .name = "gaussian-blur",
      .group = "Blur and denoise",
      .doc = "Softens the picture with a bell curve.",
      .definition =
          "cv::GaussianBlur with a kernel of 2r+1 pixels, r = ceil(3 sigma) for 8-bit and ceil(4 sigma) for "
          "16-bit.",
      .example = "gaussian-blur sigma=2"};
  static constexpr AlphaRule alpha_rule = AlphaRule::window;
  static constexpr bool reads_alpha = true;
  static constexpr auto params = std::tuple_cat(
      std::tuple{number("sigma", &GaussianBlur::sigma, "Width of the bell curve.",
                        {.min = 0.1, .max = 64, .slider_min = 0.5, .slider_max = 8, .unit = "px"})},
      border_params<GaussianBlur>());

  [[nodiscard]] int radius_px(Depth depth) const {
    return static_cast<int>(std::ceil((depth == Depth::u8 ? 3 : 4) * sigma));
  }
  [[nodiscard]] Halo halo(const ImageInfo& image) const { return Halo::all(radius_px(image.format.depth)); }
  /// OpenCV keeps the rows under its kernel, in numbers of twice the bits; wide_gaussian() has the sums of its slices.
  [[nodiscard]] std::int64_t working_bytes(const ImageInfo& in, const Rect& part) const {
    const int radius = radius_px(in.format.depth);
    const std::int64_t samples = part.width * in.format.channels;
    return radius >= wide_px ? wide_gaussian_bytes(in.format.depth, samples, part.height, radius)
                             : (2 * radius + 1) * samples * 2 * in.format.bytes_per_sample();
  }
  void run(const cv::Mat& in, cv::Mat& out, const Region& region) const {
    const int radius = radius_px(in.depth() == CV_8U ? Depth::u8 : Depth::u16);
    if (radius >= wide_px) {
      wide_gaussian(in, out, radius, sigma, region.stop);
    } else {
      const int size = 2 * radius + 1;
      cv::GaussianBlur(in, out, {size, size}, sigma);
    }
    if (region.transparency != nullptr) {
      weigh_square(in, out, region, gaussian_weights(in.depth(), radius, sigma));
    }
  }

 private:
  static constexpr int wide_px = 24;
};

}  // namespace tessera
