// SPDX-License-Identifier: Apache-2.0
// sharpen: a 3x3 kernel that raises each pixel above its neighbours.
#pragma once

#include <opencv2/core.hpp>

#include "ops/kinds.hpp"

namespace tessera {

struct Sharpen : Bordered {
  double amount = 1;

  static constexpr OperatorInfo info{
      .name = "sharpen",
      .group = "Sharpen",
      .doc = "Makes edges crisper with the smallest of kernels.",
      .definition =
          "out = round(p + amount (4 p - n - s - e - w)), halves to even, saturated, in single precision: "
          "cv::filter2D with the kernel 0 -a 0 / -a 1+4a -a / 0 -a 0.",
      .example = "sharpen amount=1",
      .tolerance = 1,
      .tolerance_reason = "cv::filter2D adds the five products in another order."};
  static constexpr auto params =
      std::tuple_cat(std::tuple{number("amount", &Sharpen::amount, "How much; 1 is the classic kernel.",
                                       {.min = 0, .max = 10, .slider_min = 0.1, .slider_max = 3})},
                     border_params<Sharpen>());

  [[nodiscard]] Halo halo() const { return Halo::all(1); }
  void run(const cv::Mat& in, cv::Mat& out) const {
    if (in.depth() == CV_8U) {
      filter<std::uint8_t>(in, out);
    } else {
      filter<std::uint16_t>(in, out);
    }
  }

 private:
  template <class T>
  void filter(const cv::Mat& in, cv::Mat& out) const {
    const int channels = in.channels();
    const auto gain = static_cast<float>(amount);
    for (int y = 1; y < in.rows - 1; ++y) {
      const T* above = in.ptr<T>(y - 1);
      const T* row = in.ptr<T>(y);
      const T* below = in.ptr<T>(y + 1);
      T* target = out.ptr<T>(y);
      for (int i = channels; i < (in.cols - 1) * channels; ++i) {
        const int edge = 4 * row[i] - above[i] - below[i] - row[i - channels] - row[i + channels];
        target[i] = cv::saturate_cast<T>(static_cast<float>(row[i]) + gain * static_cast<float>(edge));
      }
    }
  }
};

}  // namespace tessera
