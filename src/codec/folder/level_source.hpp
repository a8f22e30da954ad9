// SPDX-License-Identifier: Apache-2.0
// A finished level of a folder of tiles, read to make the next.
#pragma once

#include <functional>
#include <string>

#include "codec/folder/tile_format.hpp"
#include "image/stream.hpp"

namespace tessera {

class TileLevelSource final : public Source {
 public:
  /// `read` gives the content of a file by its path below tiles_entry. `format`, and what `read` uses, must outlive it.
  TileLevelSource(const ImageInfo& info, const TileFormat& format, int level,
                  std::function<Bytes(const std::string& path)> read)
      : info_(info), format_(format), level_(level), read_(std::move(read)) {}
  const ImageInfo& info() const override { return info_; }
  const Metadata& metadata() const override { return metadata_; }
  bool random_access() const override { return true; }
  void read_rows(Tile& out) override { read_rows_deferred(out)->finish(out); }
  /// Files are read in turn, and decoded by whoever needs them.
  std::unique_ptr<DeferredRows> read_rows_deferred(Tile& out) override;

 private:
  ImageInfo info_;
  Metadata metadata_;
  const TileFormat& format_;
  int level_;
  std::function<Bytes(const std::string& path)> read_;
};

}  // namespace tessera
