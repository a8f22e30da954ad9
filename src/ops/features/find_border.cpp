// SPDX-License-Identifier: Apache-2.0
#include "ops/features/find_border.hpp"

#include <algorithm>
#include <limits>
#include <vector>

#include "ops/features/paint.hpp"
#include "ops/geometry/color_samples.hpp"
#include "ops/samples.hpp"

namespace tessera {
namespace {

/// The lowest and highest level of each channel in a row or column: two slots a channel, both of which grow, and 0 where
/// no pixel is visible.
class RangeSlots {
 public:
  explicit RangeSlots(const ImageInfo& image)
      : full_(static_cast<std::uint64_t>(image.format.max_value())),
        channels_(static_cast<std::size_t>(image.format.channels)),
        rows_(static_cast<std::size_t>(image.extent.height)),
        columns_(static_cast<std::size_t>(image.extent.width)) {}
  /// Slots of the first row, the first column, and the top left pixel; and of all.
  [[nodiscard]] std::size_t row(std::int64_t y) const { return static_cast<std::size_t>(y) * 2 * channels_; }
  [[nodiscard]] std::size_t column(std::int64_t x) const {
    return (rows_ + static_cast<std::size_t>(x)) * 2 * channels_;
  }
  [[nodiscard]] std::size_t corner() const { return (rows_ + columns_) * 2 * channels_; }
  [[nodiscard]] std::size_t count() const { return corner() + 2 * channels_; }

  void add(std::span<std::uint64_t> slots, std::size_t at, std::size_t channel, std::uint64_t lowest,
           std::uint64_t highest) const {
    std::uint64_t* const pair = slots.data() + at + 2 * channel;
    pair[0] = std::max(pair[0], full_ - lowest + 1);
    pair[1] = std::max(pair[1], highest + 1);
  }
  /// Whether the levels there are within `tolerance` of those of the corner.
  [[nodiscard]] bool like_corner(std::span<const std::uint64_t> slots, std::size_t at,
                                 double tolerance) const {
    for (std::size_t channel = 0; channel < channels_; ++channel) {
      const auto there = slots.subspan(at + 2 * channel, 2);
      const auto here = slots.subspan(corner() + 2 * channel, 2);
      if (there[1] == 0) {
        continue;
      }
      // One level is in the corner, so what there reaches further up or down is the difference of the slots.
      if (here[1] == 0 || static_cast<double>(there[0]) - static_cast<double>(here[0]) > tolerance ||
          static_cast<double>(there[1]) - static_cast<double>(here[1]) > tolerance) {
        return false;
      }
    }
    return true;
  }

 private:
  std::uint64_t full_;
  std::size_t channels_;
  std::size_t rows_;
  std::size_t columns_;
};

/// Lowest and highest levels of samples that are seen one after the other.
template <class T>
struct Range {
  T lowest = std::numeric_limits<T>::max();
  T highest = 0;
  void add(T level) {
    lowest = std::min(lowest, level);
    highest = std::max(highest, level);
  }
};

template <class T, int colors>
void add_ranges(const cv::Mat& tile, std::span<std::uint64_t> slots, const Region& region) {
  const RangeSlots ranges(region.image);
  std::vector<Range<T>> columns(static_cast<std::size_t>(tile.cols) * colors);
  const auto store = [&](std::size_t at, const Range<T>* of) {
    for (std::size_t channel = 0; channel < colors; ++channel) {
      if (of[channel].lowest <= of[channel].highest) {
        ranges.add(slots, at, channel, of[channel].lowest, of[channel].highest);
      }
    }
  };
  for (int y = 0; y < tile.rows; ++y) {
    const T* level = tile.ptr<T>(y);
    const T* const alpha = region.transparency != nullptr ? region.transparency->ptr<T>(y) : nullptr;
    Range<T> row[colors];
    Range<T>* column = columns.data();
    for (int x = 0; x < tile.cols; ++x, level += colors, column += colors) {
      if (alpha != nullptr && alpha[x] == 0) {
        continue;
      }
      for (int channel = 0; channel < colors; ++channel) {
        row[channel].add(level[channel]);
        column[channel].add(level[channel]);
      }
    }
    store(ranges.row(region.in.y + y), row);
    // The corner is all there is above the second row and left of the second column.
    if (region.in.y + y == 0 && region.in.x == 0) {
      store(ranges.corner(), columns.data());
    }
  }
  for (int x = 0; x < tile.cols; ++x) {
    store(ranges.column(region.in.x + x), columns.data() + static_cast<std::size_t>(x) * colors);
  }
}

/// The smallest interval of 0 .. count - 1 with all that are not `background`.
template <class Background>
Interval others(std::int64_t count, const Background& background) {
  Interval found{0, count};
  while (!found.empty() && background(found.begin)) {
    ++found.begin;
  }
  while (!found.empty() && background(found.end - 1)) {
    --found.end;
  }
  return found;
}

}  // namespace

std::size_t FindBorder::slots(const ImageInfo& image) const { return RangeSlots(image).count(); }

void FindBorder::map(const cv::Mat& tile, std::span<std::uint64_t> slots, const Region& region) const {
  for_samples(tile.type(), [&](auto sample, auto colors) {
    add_ranges<decltype(sample), decltype(colors)::value>(tile, slots, region);
  });
}

PaintBorder FindBorder::finish(std::span<const std::uint64_t> slots, const ImageInfo& image) const {
  const RangeSlots ranges(image);
  const double levels = tolerance * image.format.level_scale();
  const Interval rows = others(
      image.extent.height, [&](std::int64_t y) { return ranges.like_corner(slots, ranges.row(y), levels); });
  const Interval columns = others(image.extent.width, [&](std::int64_t x) {
    return ranges.like_corner(slots, ranges.column(x), levels);
  });
  return {Rect::from(columns, rows), color};
}

void PaintBorder::run(const cv::Mat& in, cv::Mat& out, const Region& region) const {
  copy_as_rgb(in, out);
  if (content.empty()) {
    return;
  }
  const auto place = [](std::int64_t at, std::int64_t begin, int count) {
    return static_cast<int>(std::clamp<std::int64_t>(at - begin, 0, count));
  };
  const int top = place(content.y, region.out.y, out.rows);
  const int bottom = place(content.y + content.height, region.out.y, out.rows);
  const int left = place(content.x, region.out.x, out.cols);
  const int right = place(content.x + content.width, region.out.x, out.cols);
  const cv::Scalar paint = color_samples(color, result_format(region.image.format));
  out.rowRange(0, top).setTo(paint);
  out.rowRange(bottom, out.rows).setTo(paint);
  out(cv::Range(top, bottom), cv::Range(0, left)).setTo(paint);
  out(cv::Range(top, bottom), cv::Range(right, out.cols)).setTo(paint);
  if (region.findings != nullptr && region.out.contains({content.x, content.y, 1, 1})) {
    region.findings->insert(region.findings->end(),
                            {static_cast<double>(content.x), static_cast<double>(content.y),
                             static_cast<double>(content.width), static_cast<double>(content.height)});
  }
}

}  // namespace tessera
