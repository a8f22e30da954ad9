// SPDX-License-Identifier: Apache-2.0
#include "ops/colour/auto_levels.hpp"

#include <numeric>

#include "ops/threshold/histogram.hpp"

namespace tessera {
namespace {

struct LevelRange {
  int low = 0;
  int high = 0;
};

LevelRange range_in_use(std::span<const std::uint64_t> histogram, double clip_dark_percent,
                        double clip_bright_percent) {
  const auto total =
      static_cast<double>(std::accumulate(histogram.begin(), histogram.end(), std::uint64_t{0}));
  LevelRange range{0, static_cast<int>(histogram.size()) - 1};
  const auto reached = [&](std::uint64_t counted, double percent) {
    return static_cast<double>(counted) > total * percent / 100;
  };
  for (std::uint64_t counted = 0; range.low < range.high; ++range.low) {
    counted += histogram[static_cast<std::size_t>(range.low)];
    if (reached(counted, clip_dark_percent)) {
      break;
    }
  }
  for (std::uint64_t counted = 0; range.high > range.low; --range.high) {
    counted += histogram[static_cast<std::size_t>(range.high)];
    if (reached(counted, clip_bright_percent)) {
      break;
    }
  }
  return range;
}

}  // namespace

std::size_t AutoLevels::slots(const ImageInfo& image) const {
  return histogram_bins(image.format) * (per_channel ? static_cast<std::size_t>(image.format.channels) : 1);
}

void AutoLevels::map(const cv::Mat& tile, std::span<std::uint64_t> slots, const Region& region) const {
  const std::size_t bins = histogram_bins(region.image.format);
  for (int channel = 0; channel < tile.channels(); ++channel) {
    add_histogram(tile, channel, region.transparency,
                  slots.subspan(per_channel ? static_cast<std::size_t>(channel) * bins : 0, bins));
  }
}

ApplyLevels AutoLevels::finish(std::span<const std::uint64_t> histograms, const ImageInfo& image) const {
  const std::size_t bins = histogram_bins(image.format);
  std::vector<LevelRange> ranges;
  for (std::size_t at = 0; at < histograms.size(); at += bins) {
    ranges.push_back(range_in_use(histograms.subspan(at, bins), clip_dark_percent, clip_bright_percent));
  }
  const double full = image.format.max_value();
  const auto stretched = [&](int level, int table) {
    const auto [low, high] = ranges[static_cast<std::size_t>(table)];
    return high > low ? full * (level - low) / (high - low) : level;
  };
  return {std::make_shared<const LevelTable>(image.format.depth, static_cast<int>(ranges.size()), stretched)};
}

}  // namespace tessera
