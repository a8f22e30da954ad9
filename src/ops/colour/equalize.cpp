// SPDX-License-Identifier: Apache-2.0
#include "ops/colour/equalize.hpp"

#include <numeric>

#include "ops/colour/luma.hpp"
#include "ops/threshold/histogram.hpp"

namespace tessera {
namespace {

/// The table of cv::equalizeHist, in the precision of Real.
template <class Real>
std::vector<Real> equalized_levels(std::span<const std::uint64_t> histogram) {
  const std::uint64_t total = std::accumulate(histogram.begin(), histogram.end(), std::uint64_t{0});
  std::size_t first = 0;
  while (first + 1 < histogram.size() && histogram[first] == 0) {
    ++first;
  }
  std::vector<Real> levels(histogram.size(), 0);
  if (histogram[first] == total) {
    levels[first] = static_cast<Real>(first);
    return levels;
  }
  const Real scale = static_cast<Real>(histogram.size() - 1) / static_cast<Real>(total - histogram[first]);
  std::uint64_t sum = 0;
  for (std::size_t level = first + 1; level < histogram.size(); ++level) {
    sum += histogram[level];
    levels[level] = static_cast<Real>(sum) * scale;
  }
  return levels;
}

LevelTable table_of(const auto& levels, Depth depth) {
  return {depth, 1,
          [&](int level, int) { return static_cast<double>(levels[static_cast<std::size_t>(level)]); }};
}

}  // namespace

void ApplyLumaLevels::run(const cv::Mat& in, cv::Mat& out) const {
  if (in.channels() == 1) {
    table->apply(in, out);
    return;
  }
  const cv::Mat luma = luma_of(in);
  cv::Mat changed(luma.size(), luma.type());
  table->apply(luma, changed);
  replace_luma(in, luma, changed, out);
}

std::size_t Equalize::slots(const ImageInfo& image) const { return histogram_bins(image.format); }

void Equalize::map(const cv::Mat& tile, std::span<std::uint64_t> slots, const Region& region) const {
  add_histogram(luma_of(tile), 0, region.transparency, slots);
}

ApplyLumaLevels Equalize::finish(std::span<const std::uint64_t> histogram, const ImageInfo& image) const {
  const Depth depth = image.format.depth;
  return {std::make_shared<const LevelTable>(depth == Depth::u8
                                                 ? table_of(equalized_levels<float>(histogram), depth)
                                                 : table_of(equalized_levels<double>(histogram), depth))};
}

}  // namespace tessera
