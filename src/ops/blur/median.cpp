// SPDX-License-Identifier: Apache-2.0
#include "ops/blur/median.hpp"

#include <algorithm>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "base/stop.hpp"

namespace tessera {

void Median::run(const cv::Mat& in, cv::Mat& out, const Region& region) const {
  if (in.depth() == CV_8U || size <= 5) {
    cv::medianBlur(in, out, size);
    return;
  }
  const int radius = size / 2;
  const int channels = in.channels();
  std::vector<std::uint16_t> window(static_cast<std::size_t>(size) * static_cast<std::size_t>(size));
  const auto middle = window.begin() + static_cast<std::ptrdiff_t>(window.size() / 2);
  for (int y = radius; y < in.rows - radius; ++y) {
    throw_if_stopped(region.stop);
    auto* target = out.ptr<std::uint16_t>(y);
    for (int x = radius; x < in.cols - radius; ++x) {
      for (int c = 0; c < channels; ++c) {
        auto next = window.begin();
        for (int dy = -radius; dy <= radius; ++dy) {
          const auto* row = in.ptr<std::uint16_t>(y + dy) + (x - radius) * channels + c;
          for (int dx = 0; dx < size; ++dx) {
            *next++ = row[dx * channels];
          }
        }
        std::nth_element(window.begin(), middle, window.end());
        target[x * channels + c] = *middle;
      }
    }
  }
}

}  // namespace tessera
