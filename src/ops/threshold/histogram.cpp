// SPDX-License-Identifier: Apache-2.0
#include "ops/threshold/histogram.hpp"

#include <algorithm>
#include <cfloat>

namespace tessera {
namespace {

template <class T>
void count(const cv::Mat& tile, int channel, const cv::Mat* alpha, std::span<std::uint64_t> bins) {
  const int step = tile.channels();
  for (int y = 0; y < tile.rows; ++y) {
    const T* row = tile.ptr<T>(y) + channel;
    if (alpha != nullptr) {
      const T* visible = alpha->ptr<T>(y);
      for (int x = 0; x < tile.cols; ++x) {
        bins[row[static_cast<std::ptrdiff_t>(x) * step]] += visible[x] != 0 ? 1 : 0;
      }
      continue;
    }
    for (int x = 0; x < tile.cols; ++x) {
      ++bins[row[static_cast<std::ptrdiff_t>(x) * step]];
    }
  }
}

}  // namespace

std::size_t histogram_bins(const PixelFormat& format) { return format.depth == Depth::u8 ? 256 : 65536; }

void add_histogram(const cv::Mat& tile, int channel, const cv::Mat* alpha, std::span<std::uint64_t> bins) {
  if (tile.depth() == CV_8U) {
    count<std::uint8_t>(tile, channel, alpha, bins);
  } else {
    count<std::uint16_t>(tile, channel, alpha, bins);
  }
}

int otsu_threshold(std::span<const std::uint64_t> histogram) {
  double total = 0;
  double mean = 0;
  for (std::size_t level = 0; level < histogram.size(); ++level) {
    total += static_cast<double>(histogram[level]);
    mean += static_cast<double>(level) * static_cast<double>(histogram[level]);
  }
  if (total == 0) {
    return 0;
  }
  const double scale = 1. / total;
  mean *= scale;
  double weight_dark = 0;
  double mean_dark = 0;
  double best_variance = 0;
  int best = 0;
  for (std::size_t level = 0; level < histogram.size(); ++level) {
    const double probability = static_cast<double>(histogram[level]) * scale;
    mean_dark *= weight_dark;
    weight_dark += probability;
    const double weight_light = 1. - weight_dark;
    if (std::min(weight_dark, weight_light) < FLT_EPSILON ||
        std::max(weight_dark, weight_light) > 1. - FLT_EPSILON) {
      continue;
    }
    mean_dark = (mean_dark + static_cast<double>(level) * probability) / weight_dark;
    const double mean_light = (mean - weight_dark * mean_dark) / weight_light;
    const double variance = weight_dark * weight_light * (mean_dark - mean_light) * (mean_dark - mean_light);
    if (variance > best_variance) {
      best_variance = variance;
      best = static_cast<int>(level);
    }
  }
  return best;
}

int triangle_threshold(std::span<const std::uint64_t> histogram) {
  const int last = static_cast<int>(histogram.size()) - 1;
  int left = 0;
  while (left < last && histogram[static_cast<std::size_t>(left)] == 0) {
    ++left;
  }
  int right = last;
  while (right > 0 && histogram[static_cast<std::size_t>(right)] == 0) {
    --right;
  }
  left = std::max(left - 1, 0);
  right = std::min(right + 1, last);
  const auto highest = std::max_element(histogram.begin(), histogram.end());
  int peak = static_cast<int>(highest - histogram.begin());
  // The search goes up a tail on the left; one on the right is mirrored.
  const bool mirrored = peak - left < right - peak;
  if (mirrored) {
    left = last - right;
    peak = last - peak;
  }
  const auto height = static_cast<double>(*highest);
  double farthest = 0;
  int threshold = left;
  for (int level = left + 1; level <= peak; ++level) {
    const std::uint64_t count = histogram[static_cast<std::size_t>(mirrored ? last - level : level)];
    const double distance = height * level + static_cast<double>(left - peak) * static_cast<double>(count);
    if (distance > farthest) {
      farthest = distance;
      threshold = level;
    }
  }
  --threshold;
  return mirrored ? last - threshold : threshold;
}

}  // namespace tessera
