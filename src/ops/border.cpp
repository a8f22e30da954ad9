// SPDX-License-Identifier: Apache-2.0
#include "ops/border.hpp"

#include <cstring>

namespace tessera {
namespace {

/// Columns [begin, end) of a row of pixels of `pixel` bytes; column 0 of the image is at `origin`.
void fill_columns(uchar* origin, std::size_t pixel, std::int64_t begin, std::int64_t end, std::int64_t width,
                  Border border) {
  for (std::int64_t x = begin; x < end; ++x) {
    std::memcpy(origin + x * static_cast<std::int64_t>(pixel),
                origin + border_position(x, width, border) * static_cast<std::int64_t>(pixel), pixel);
  }
}

}  // namespace

std::int64_t border_position(std::int64_t position, std::int64_t size, Border border) {
  if (position >= 0 && position < size) {
    return position;
  }
  switch (border) {
    case Border::constant:
      return -1;
    case Border::replicate:
      return position < 0 ? 0 : size - 1;
    case Border::wrap: {
      const std::int64_t rest = position % size;
      return rest < 0 ? rest + size : rest;
    }
    case Border::reflect101: {
      if (size == 1) {
        return 0;
      }
      const std::int64_t period = 2 * (size - 1);
      std::int64_t folded = position % period;
      folded = folded < 0 ? folded + period : folded;
      return folded < size ? folded : period - folded;
    }
  }
  return -1;
}

void fill_border(cv::Mat& grown, const Rect& grown_rect, const Extent& image, Border border, double outside) {
  const Rect inside = grown_rect.intersect(Rect::whole(image));
  const int left = static_cast<int>(inside.x - grown_rect.x);
  const int top = static_cast<int>(inside.y - grown_rect.y);
  const int right = grown.cols - left - static_cast<int>(inside.width);
  const int bottom = grown.rows - top - static_cast<int>(inside.height);
  if (border == Border::constant) {
    const auto fill = [&](int x, int y, int width, int height) {
      if (width > 0 && height > 0) {
        grown(cv::Rect(x, y, width, height)).setTo(cv::Scalar::all(outside));
      }
    };
    fill(0, 0, grown.cols, top);
    fill(0, grown.rows - bottom, grown.cols, bottom);
    fill(0, top, left, static_cast<int>(inside.height));
    fill(grown.cols - right, top, right, static_cast<int>(inside.height));
    return;
  }
  const std::size_t pixel = grown.elemSize();
  const bool every_row = border == Border::wrap;
  for (int y = every_row ? 0 : top; y < (every_row ? grown.rows : grown.rows - bottom); ++y) {
    uchar* origin = grown.ptr(y) - grown_rect.x * static_cast<std::int64_t>(pixel);
    fill_columns(origin, pixel, grown_rect.x, 0, image.width, border);
    fill_columns(origin, pixel, image.width, grown_rect.x + grown_rect.width, image.width, border);
  }
  if (every_row) {
    return;
  }
  const std::size_t row_bytes = pixel * static_cast<std::size_t>(grown.cols);
  const auto copy_row = [&](int y) {
    const std::int64_t from = border_position(grown_rect.y + y, image.height, border) - grown_rect.y;
    std::memcpy(grown.ptr(y), grown.ptr(static_cast<int>(from)), row_bytes);
  };
  for (int y = 0; y < top; ++y) {
    copy_row(y);
  }
  for (int y = grown.rows - bottom; y < grown.rows; ++y) {
    copy_row(y);
  }
}

}  // namespace tessera
