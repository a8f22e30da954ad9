// SPDX-License-Identifier: Apache-2.0
#include "tessera/pixels.hpp"

#include <algorithm>

#include "library/convert.hpp"

namespace tessera {
namespace {

template <class Sample>
void split_row(const std::byte* row, Tile& tile, int y) {
  const auto* from = reinterpret_cast<const Sample*>(row);
  Sample* color = tile.color.ptr<Sample>(y);
  Sample* alpha = tile.alpha.ptr<Sample>(y);
  const int channels = tile.color.channels();
  for (int x = 0; x < tile.color.cols; ++x) {
    for (int c = 0; c < channels; ++c) {
      *color++ = *from++;
    }
    *alpha++ = *from++;
  }
}

template <class Sample>
void join_row(const Tile& tile, int y, std::byte* row) {
  auto* to = reinterpret_cast<Sample*>(row);
  const Sample* color = tile.color.ptr<Sample>(y);
  const Sample* alpha = tile.alpha.ptr<Sample>(y);
  const int channels = tile.color.channels();
  for (int x = 0; x < tile.color.cols; ++x) {
    for (int c = 0; c < channels; ++c) {
      *to++ = *color++;
    }
    *to++ = *alpha++;
  }
}

}  // namespace

Pixels::Pixels(const ImageInfo& info) : info_(info), row_bytes_(info.row_bytes()) {
  const std::shared_ptr<std::byte[]> memory(new std::byte[static_cast<std::size_t>(info.bytes())]);
  data_ = memory.get();
  owner_ = memory;
}

Pixels::Pixels(const ImageInfo& info, std::byte* data, std::int64_t row_bytes,
               std::shared_ptr<const void> owner)
    : info_(info), data_(data), row_bytes_(row_bytes), owner_(std::move(owner)) {}

Tile tile_of(const Pixels& pixels) {
  const ImageInfo& info = pixels.info();
  const Rect whole = Rect::whole(info.extent);
  if (!info.format.alpha) {
    return {whole,
            cv::Mat(static_cast<int>(info.extent.height), static_cast<int>(info.extent.width),
                    color_type(info.format), pixels.data(), static_cast<std::size_t>(pixels.row_bytes())),
            {}};
  }
  Tile tile = Tile::allocate(whole, info.format);
  for (int y = 0; y < tile.color.rows; ++y) {
    if (info.format.depth == Depth::u8) {
      split_row<std::uint8_t>(pixels.row(y), tile, y);
    } else {
      split_row<std::uint16_t>(pixels.row(y), tile, y);
    }
  }
  return tile;
}

Pixels pixels_of(const Tile& tile) {
  const ImageInfo info = tile.info();
  if (!info.format.alpha && tile.color.u != nullptr) {
    const auto owner = std::make_shared<const cv::Mat>(tile.color);
    return {info, reinterpret_cast<std::byte*>(tile.color.data), static_cast<std::int64_t>(tile.color.step),
            owner};
  }
  Pixels pixels(info);
  for (int y = 0; y < tile.color.rows; ++y) {
    if (!info.format.alpha) {
      std::copy_n(reinterpret_cast<const std::byte*>(tile.color.ptr(y)), info.row_bytes(), pixels.row(y));
    } else if (info.format.depth == Depth::u8) {
      join_row<std::uint8_t>(tile, y, pixels.row(y));
    } else {
      join_row<std::uint16_t>(tile, y, pixels.row(y));
    }
  }
  return pixels;
}

}  // namespace tessera
