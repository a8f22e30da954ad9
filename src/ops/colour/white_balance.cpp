// SPDX-License-Identifier: Apache-2.0
#include "ops/colour/white_balance.hpp"

#include <numeric>

namespace tessera {
namespace {

template <class T>
void add_sums(const cv::Mat& tile, const cv::Mat* alpha, std::span<std::uint64_t> slots) {
  for (int y = 0; y < tile.rows; ++y) {
    const T* row = tile.ptr<T>(y);
    const T* visible = alpha != nullptr ? alpha->ptr<T>(y) : nullptr;
    std::uint64_t red = 0;
    std::uint64_t green = 0;
    std::uint64_t blue = 0;
    for (int x = 0; x < tile.cols; ++x, row += 3) {
      if (visible != nullptr && visible[x] == 0) {
        continue;
      }
      red += row[0];
      green += row[1];
      blue += row[2];
    }
    slots[0] += red;
    slots[1] += green;
    slots[2] += blue;
  }
}

}  // namespace

void WhiteBalance::map(const cv::Mat& tile, std::span<std::uint64_t> slots, const Region& region) const {
  if (tile.channels() == 3) {
    tile.depth() == CV_8U ? add_sums<std::uint8_t>(tile, region.transparency, slots)
                          : add_sums<std::uint16_t>(tile, region.transparency, slots);
  }
}

ApplyLevels WhiteBalance::finish(std::span<const std::uint64_t> sums, const ImageInfo& image) const {
  const double total = static_cast<double>(std::accumulate(sums.begin(), sums.end(), std::uint64_t{0}));
  const int channels = image.format.channels;
  const auto gain = [&](int channel) {
    const auto sum = static_cast<double>(sums[static_cast<std::size_t>(channel)]);
    return channels == 1 || sum == 0 ? 1.0 : total / (3 * sum);
  };
  return {std::make_shared<const LevelTable>(image.format.depth, channels,
                                             [&](int level, int channel) { return level * gain(channel); })};
}

}  // namespace tessera
