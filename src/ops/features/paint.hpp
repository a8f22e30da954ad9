// SPDX-License-Identifier: Apache-2.0
// Marks painted over a picture: shared by operators that show what they found.
#pragma once

#include <opencv2/imgproc.hpp>

#include "schema/param.hpp"

namespace tessera {

/// `in` as RGB of the same depth: gray is repeated in all channels. `out` is allocated.
inline void copy_as_rgb(const cv::Mat& in, cv::Mat& out) {
  if (in.channels() == 3) {
    in.copyTo(out);
  } else {
    cv::cvtColor(in, out, cv::COLOR_GRAY2RGB);
  }
}

/// Sets one pixel of an 8- or 16-bit RGB matrix; the colour is on the 8-bit scale.
inline void paint_pixel(cv::Mat& rgb, int y, int x, const Color& color) {
  if (rgb.depth() == CV_8U) {
    rgb.at<cv::Vec3b>(y, x) = {color.red, color.green, color.blue};
  } else {
    rgb.at<cv::Vec3w>(y, x) = {static_cast<std::uint16_t>(color.red * 257),
                               static_cast<std::uint16_t>(color.green * 257),
                               static_cast<std::uint16_t>(color.blue * 257)};
  }
}

}  // namespace tessera
