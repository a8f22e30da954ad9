// SPDX-License-Identifier: Apache-2.0
// Extents, rectangles, row intervals and halos: the vocabulary of every cut. All sizes are 64-bit pixels.
#pragma once

#include <algorithm>
#include <cstdint>

namespace tessera {

/// Width and height in pixels.
struct Extent {
  std::int64_t width = 0;
  std::int64_t height = 0;
  [[nodiscard]] std::int64_t pixels() const { return width * height; }
  bool operator==(const Extent&) const = default;
};

/// Half-open interval of rows (or columns): begin <= y < end. Empty when begin >= end.
struct Interval {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  [[nodiscard]] std::int64_t size() const { return std::max<std::int64_t>(0, end - begin); }
  [[nodiscard]] bool empty() const { return end <= begin; }
  [[nodiscard]] bool contains(const Interval& other) const {
    return other.empty() || (begin <= other.begin && other.end <= end);
  }
  [[nodiscard]] Interval intersect(const Interval& other) const {
    return {std::max(begin, other.begin), std::min(end, other.end)};
  }
  bool operator==(const Interval&) const = default;
};

struct Rect {
  std::int64_t x = 0;
  std::int64_t y = 0;
  std::int64_t width = 0;
  std::int64_t height = 0;
  [[nodiscard]] Interval rows() const { return {y, y + height}; }
  [[nodiscard]] Interval columns() const { return {x, x + width}; }
  [[nodiscard]] bool empty() const { return width <= 0 || height <= 0; }
  [[nodiscard]] bool contains(const Rect& other) const {
    return other.empty() || (rows().contains(other.rows()) && columns().contains(other.columns()));
  }
  [[nodiscard]] Rect intersect(const Rect& other) const {
    return from(columns().intersect(other.columns()), rows().intersect(other.rows()));
  }
  [[nodiscard]] static Rect from(const Interval& columns, const Interval& rows) {
    return {columns.begin, rows.begin, columns.size(), rows.size()};
  }
  [[nodiscard]] static Rect whole(const Extent& extent) { return {0, 0, extent.width, extent.height}; }
  /// The full-width rectangle of these rows of an image `width` pixels wide.
  [[nodiscard]] static Rect of_rows(const Interval& rows, std::int64_t width) {
    return {0, rows.begin, width, rows.size()};
  }
  bool operator==(const Rect&) const = default;
};

/// How many ghost pixels an operator reads on each side of the pixel it writes.
struct Halo {
  std::int64_t left = 0;
  std::int64_t top = 0;
  std::int64_t right = 0;
  std::int64_t bottom = 0;
  [[nodiscard]] static Halo all(std::int64_t radius_px) {
    return {radius_px, radius_px, radius_px, radius_px};
  }
  [[nodiscard]] bool none() const { return left == 0 && top == 0 && right == 0 && bottom == 0; }
  [[nodiscard]] Rect grow(const Rect& rect) const {
    return {rect.x - left, rect.y - top, rect.width + left + right, rect.height + top + bottom};
  }
  [[nodiscard]] Halo operator+(const Halo& other) const {
    return {left + other.left, top + other.top, right + other.right, bottom + other.bottom};
  }
  bool operator==(const Halo&) const = default;
};

}  // namespace tessera
