// SPDX-License-Identifier: Apache-2.0
#include "codec/folder/level_source.hpp"

#include <algorithm>
#include <utility>

namespace tessera {
namespace {

struct ReadTile {
  Rect rect;
  std::vector<Bytes> files;
};

class TileRows final : public DeferredRows {
 public:
  TileRows(const TileFormat& format, std::vector<ReadTile> tiles)
      : format_(format), tiles_(std::move(tiles)) {}

  void finish(Tile& out) override {
    const PixelFormat pixels = format_.stored_format();
    for (ReadTile& read : tiles_) {
      Tile tile = Tile::allocate(read.rect, pixels);
      format_.decode(read.files, tile);
      read.files = {};
      copy_overlap(tile, out);
    }
  }

 private:
  const TileFormat& format_;
  std::vector<ReadTile> tiles_;
};

}  // namespace

std::unique_ptr<DeferredRows> TileLevelSource::read_rows_deferred(Tile& out) {
  const std::int64_t side = format_.tile_px();
  const std::int64_t end = out.rect.y + out.rect.height;
  std::vector<ReadTile> tiles;
  for (std::int64_t row = out.rect.y / side; row * side < end; ++row) {
    for (std::int64_t column = 0; column * side < info_.extent.width; ++column) {
      ReadTile tile;
      tile.rect = {column * side, row * side, std::min(side, info_.extent.width - column * side),
                   std::min(side, info_.extent.height - row * side)};
      for (const std::string& path : format_.paths({level_, column, row})) {
        tile.files.push_back(read_(path));
      }
      tiles.push_back(std::move(tile));
    }
  }
  return std::make_unique<TileRows>(format_, std::move(tiles));
}

}  // namespace tessera
