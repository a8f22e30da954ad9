// SPDX-License-Identifier: Apache-2.0
// Pixels that change places and nothing else.
#pragma once

#include <cstring>
#include <opencv2/core/mat.hpp>
#include <vector>

#include "ops/kinds.hpp"

namespace tessera {

/// out(x, y) = in(column_of(x), row_of(y)) in whole-image coordinates; a source coordinate below 0 leaves the
/// pixel as it was. Both functions' results, where not negative, lie in region.in.
template <class ColumnOf, class RowOf>
void move_pixels(const cv::Mat& in, cv::Mat& out, const Region& region, const ColumnOf& column_of,
                 const RowOf& row_of) {
  const std::size_t pixel = in.elemSize();
  std::vector<std::int64_t> columns(static_cast<std::size_t>(out.cols));
  for (int x = 0; x < out.cols; ++x) {
    const std::int64_t from = column_of(region.out.x + x);
    columns[static_cast<std::size_t>(x)] = from < 0 ? -1 : from - region.in.x;
  }
  for (int y = 0; y < out.rows; ++y) {
    const std::int64_t from = row_of(region.out.y + y);
    if (from < 0) {
      continue;
    }
    const uchar* source = in.ptr(static_cast<int>(from - region.in.y));
    uchar* target = out.ptr(y);
    for (int x = 0; x < out.cols;) {
      // Runs of neighbours are copied at once.
      const std::int64_t first = columns[static_cast<std::size_t>(x)];
      int end = x + 1;
      while (first >= 0 && end < out.cols && columns[static_cast<std::size_t>(end)] == first + (end - x)) {
        ++end;
      }
      if (first >= 0) {
        std::memcpy(target + static_cast<std::size_t>(x) * pixel,
                    source + static_cast<std::size_t>(first) * pixel,
                    static_cast<std::size_t>(end - x) * pixel);
      }
      x = end;
    }
  }
}

}  // namespace tessera
