// SPDX-License-Identifier: Apache-2.0
#include "ops/colour/clahe.hpp"

#include <numeric>
#include <opencv2/core.hpp>

#include "ops/colour/luma.hpp"
#include "ops/threshold/histogram.hpp"

namespace tessera {
namespace {

/// The coordinate inside [0, size) that BORDER_REFLECT_101 reads for `position` >= 0.
std::int64_t reflect101(std::int64_t position, std::int64_t size) {
  if (size == 1) {
    return 0;
  }
  const std::int64_t folded = position % (2 * (size - 1));
  return folded < size ? folded : 2 * (size - 1) - folded;
}

/// Counts what a row of the image, taken as row `y` of the padded image, has in one column of tiles, but for
/// pixels where `alpha` (null: there is none) is 0.
template <class T>
void count_row(const T* row, const T* alpha, std::int64_t width, const ClaheGrid& grid, int tile_x,
               std::int64_t y, std::size_t bins, std::span<std::uint64_t> slots) {
  const std::int64_t tile = y / grid.tile_height * grid.tiles_x + tile_x;
  std::uint64_t* counts = slots.data() + static_cast<std::size_t>(tile) * bins;
  std::int64_t x = tile_x * grid.tile_width;
  const std::int64_t tile_end = x + grid.tile_width;
  if (alpha != nullptr) {
    for (; x < tile_end; ++x) {
      const std::int64_t inside = x < width ? x : reflect101(x, width);
      counts[row[inside]] += alpha[inside] != 0 ? 1 : 0;
    }
    return;
  }
  for (const std::int64_t end = std::min(tile_end, width); x < end; ++x) {
    ++counts[row[x]];
  }
  for (; x < tile_end; ++x) {
    ++counts[row[reflect101(x, width)]];
  }
}

template <class T>
void count_rows(const cv::Mat& luma, const ClaheGrid& grid, std::size_t bins, std::span<std::uint64_t> slots,
                const Region& region) {
  const Extent& image = region.image.extent;
  // One column of tiles after another, so that one tile's counts at a time are in the cache.
  for (int tile_x = 0; tile_x < grid.tiles_x; ++tile_x) {
    for (int i = 0; i < luma.rows; ++i) {
      const std::int64_t y = region.out.y + i;
      const T* const alpha = region.transparency != nullptr ? region.transparency->ptr<T>(i) : nullptr;
      count_row(luma.ptr<T>(i), alpha, image.width, grid, tile_x, y, bins, slots);
      for (std::int64_t ghost = image.height; ghost < grid.padded.height; ++ghost) {
        if (reflect101(ghost, image.height) == y) {
          count_row(luma.ptr<T>(i), alpha, image.width, grid, tile_x, ghost, bins, slots);
        }
      }
    }
  }
}

/// Cuts what stands above `limit` and spreads it over all levels, as cv::CLAHE does.
void clip(std::span<std::int64_t> histogram, std::int64_t limit) {
  const auto levels = static_cast<std::int64_t>(histogram.size());
  std::int64_t clipped = 0;
  for (std::int64_t& count : histogram) {
    clipped += std::max<std::int64_t>(0, count - limit);
    count = std::min(count, limit);
  }
  for (std::int64_t& count : histogram) {
    count += clipped / levels;
  }
  std::int64_t residual = clipped % levels;
  if (residual > 0) {
    const std::int64_t step = std::max<std::int64_t>(levels / residual, 1);
    for (std::int64_t i = 0; i < levels && residual > 0; i += step, --residual) {
      ++histogram[static_cast<std::size_t>(i)];
    }
  }
}

ClaheWeight weight_at(std::int64_t position, std::int64_t tile_size, int tiles) {
  const float inverse = 1.0F / static_cast<float>(tile_size);
  const float between = static_cast<float>(position) * inverse - 0.5F;
  const int first = cvFloor(between);
  return {std::max(first, 0), std::min(first + 1, tiles - 1), between - static_cast<float>(first)};
}

template <class T>
void interpolate(const ClaheTables& tables, const cv::Mat& in, cv::Mat& out, const Region& region) {
  const ClaheGrid& grid = tables.grid;
  for (int i = 0; i < in.rows; ++i) {
    const ClaheWeight row = weight_at(region.out.y + i, grid.tile_height, grid.tiles_y);
    const float below = row.second_weight;
    const float above = 1.0F - below;
    const std::size_t tile_row = static_cast<std::size_t>(grid.tiles_x) * tables.levels;
    const std::uint16_t* upper = tables.table.data() + static_cast<std::size_t>(row.first) * tile_row;
    const std::uint16_t* lower = tables.table.data() + static_cast<std::size_t>(row.second) * tile_row;
    const ClaheWeight* columns = tables.columns.data() + region.out.x;
    const T* from = in.ptr<T>(i);
    T* to = out.ptr<T>(i);
    for (int x = 0; x < in.cols; ++x) {
      const ClaheWeight& column = columns[x];
      const std::size_t first = static_cast<std::size_t>(column.first) * tables.levels + from[x];
      const std::size_t second = static_cast<std::size_t>(column.second) * tables.levels + from[x];
      const float right = column.second_weight;
      const float left = 1.0F - right;
      const float value = (upper[first] * left + upper[second] * right) * above +
                          (lower[first] * left + lower[second] * right) * below;
      to[x] = cv::saturate_cast<T>(value);
    }
  }
}

void interpolate(const ClaheTables& tables, const cv::Mat& in, cv::Mat& out, const Region& region) {
  in.depth() == CV_8U ? interpolate<std::uint8_t>(tables, in, out, region)
                      : interpolate<std::uint16_t>(tables, in, out, region);
}

}  // namespace

ClaheGrid::ClaheGrid(const Extent& image, int columns, int rows) : tiles_x(columns), tiles_y(rows) {
  padded = image;
  // cv::CLAHE pads both axes as soon as one of them does not divide, the other by a whole row of tiles.
  if (image.width % columns != 0 || image.height % rows != 0) {
    padded.width += columns - image.width % columns;
    padded.height += rows - image.height % rows;
  }
  tile_width = padded.width / columns;
  tile_height = padded.height / rows;
}

std::size_t Clahe::slots(const ImageInfo& image) const {
  return histogram_bins(image.format) * static_cast<std::size_t>(tiles_x * tiles_y);
}

void Clahe::map(const cv::Mat& tile, std::span<std::uint64_t> slots, const Region& region) const {
  const ClaheGrid grid(region.image.extent, tiles_x, tiles_y);
  const std::size_t bins = histogram_bins(region.image.format);
  const cv::Mat luma = luma_of(tile);
  luma.depth() == CV_8U ? count_rows<std::uint8_t>(luma, grid, bins, slots, region)
                        : count_rows<std::uint16_t>(luma, grid, bins, slots, region);
}

ApplyClahe Clahe::finish(std::span<const std::uint64_t> histograms, const ImageInfo& image) const {
  const std::size_t levels = histogram_bins(image.format);
  const Depth depth = image.format.depth;
  auto tables =
      std::make_shared<ClaheTables>(ClaheTables{ClaheGrid(image.extent, tiles_x, tiles_y), levels, {}, {}});
  const ClaheGrid& grid = tables->grid;
  tables->table.reserve(histograms.size());
  for (std::size_t at = 0; at < histograms.size(); at += levels) {
    std::vector<std::int64_t> histogram(histograms.begin() + static_cast<std::ptrdiff_t>(at),
                                        histograms.begin() + static_cast<std::ptrdiff_t>(at + levels));
    // All pixels of the tile but for transparent ones.
    const std::int64_t counted = std::accumulate(histogram.begin(), histogram.end(), std::int64_t{0});
    if (counted == 0) {
      for (std::size_t level = 0; level < levels; ++level) {
        tables->table.push_back(static_cast<std::uint16_t>(level));
      }
      continue;
    }
    const float scale = static_cast<float>(levels - 1) / static_cast<float>(counted);
    if (clip_limit > 0) {
      const auto limit =
          static_cast<std::int64_t>(clip_limit * static_cast<double>(counted) / static_cast<double>(levels));
      clip(histogram, std::max<std::int64_t>(limit, 1));
    }
    std::int64_t sum = 0;
    for (const std::int64_t count : histogram) {
      sum += count;
      const float level = static_cast<float>(sum) * scale;
      tables->table.push_back(depth == Depth::u8 ? cv::saturate_cast<std::uint8_t>(level)
                                                 : cv::saturate_cast<std::uint16_t>(level));
    }
  }
  for (std::int64_t x = 0; x < image.extent.width; ++x) {
    tables->columns.push_back(weight_at(x, grid.tile_width, tiles_x));
  }
  return {std::move(tables)};
}

void ApplyClahe::run(const cv::Mat& in, cv::Mat& out, const Region& region) const {
  if (in.channels() == 1) {
    interpolate(*tables, in, out, region);
    return;
  }
  const cv::Mat luma = luma_of(in);
  cv::Mat changed(luma.size(), luma.type());
  interpolate(*tables, luma, changed, region);
  replace_luma(in, luma, changed, out);
}

}  // namespace tessera
