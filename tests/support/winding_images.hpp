// SPDX-License-Identifier: Apache-2.0
// Masks whose single line winds through the whole image, so that components cross every cut many times.
#pragma once

#include <opencv2/core.hpp>

namespace tessera::testing {

/// A line one pixel wide, coiling inwards with one pixel between its turns.
inline cv::Mat spiral(int width, int height, int level) {
  cv::Mat image = cv::Mat::zeros(height, width, CV_8UC1);
  const auto free_ahead = [&](int x, int y) {
    return x < 0 || y < 0 || x >= width || y >= height || image.at<std::uint8_t>(y, x) == 0;
  };
  const auto inside = [&](int x, int y) { return x >= 0 && y >= 0 && x < width && y < height; };
  int x = 0;
  int y = 0;
  int dx = 1;
  int dy = 0;
  for (int turns = 0; turns < 2;) {
    image.at<std::uint8_t>(y, x) = static_cast<std::uint8_t>(level);
    if (inside(x + dx, y + dy) && free_ahead(x + 2 * dx, y + 2 * dy) && free_ahead(x + dx, y + dy)) {
      x += dx;
      y += dy;
      turns = 0;
    } else {
      const int old = dx;
      dx = -dy;
      dy = old;
      ++turns;
    }
  }
  return image;
}

/// Full columns at every other x, joined alternately at the top and the bottom.
inline cv::Mat snake(int width, int height, int level) {
  cv::Mat image = cv::Mat::zeros(height, width, CV_8UC1);
  for (int x = 0; x < width; ++x) {
    if (x % 2 == 0) {
      image.col(x).setTo(level);
    } else {
      image.at<std::uint8_t>(x % 4 == 1 ? height - 1 : 0, x) = static_cast<std::uint8_t>(level);
    }
  }
  return image;
}

}  // namespace tessera::testing
