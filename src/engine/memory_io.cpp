// SPDX-License-Identifier: Apache-2.0
#include "engine/memory_io.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

namespace tessera {
namespace {

constexpr std::int64_t piece_bytes = 256 << 10;

std::vector<cv::Mat> planes(const Tile& tile) {
  std::vector<cv::Mat> result{tile.color};
  if (!tile.alpha.empty()) {
    result.push_back(tile.alpha);
  }
  return result;
}

}  // namespace

TileSource::TileSource(Tile whole, Metadata metadata)
    : whole_(std::move(whole)), info_(whole_.info()), metadata_(std::move(metadata)) {}

void TileSource::read_rows(Tile& out) { copy_overlap(whole_, out); }

TileSink::TileSink(const ImageInfo& info)
    : whole_(Tile::allocate(Rect::whole(info.extent), info.format)),
      info_(info),
      piece_rows_(std::clamp<std::int64_t>(piece_bytes / info.row_bytes(), 1, info.extent.height)) {}

EncodedPiece TileSink::encode(const Tile& piece) const {
  Bytes bytes(static_cast<std::size_t>(piece.rect.height * info_.row_bytes()));
  std::byte* at = bytes.data();
  for (const cv::Mat& plane : planes(piece)) {
    const std::size_t row_bytes = static_cast<std::size_t>(plane.cols) * plane.elemSize();
    for (int row = 0; row < plane.rows; ++row) {
      std::memcpy(at, plane.ptr(row), row_bytes);
      at += row_bytes;
    }
  }
  return {std::move(bytes), {}};
}

void TileSink::append(const EncodedPiece& piece) {
  const auto rows = static_cast<std::int64_t>(piece.body.size()) / info_.row_bytes();
  const Tile part = whole_.view(Rect::of_rows({next_row_, next_row_ + rows}, info_.extent.width));
  const std::byte* at = piece.body.data();
  for (cv::Mat plane : planes(part)) {
    const std::size_t row_bytes = static_cast<std::size_t>(plane.cols) * plane.elemSize();
    for (int row = 0; row < plane.rows; ++row) {
      std::memcpy(plane.ptr(row), at, row_bytes);
      at += row_bytes;
    }
  }
  next_row_ += rows;
}

}  // namespace tessera
