// SPDX-License-Identifier: Apache-2.0
// Pictures in memory as the engine's sources and sinks.
#pragma once

#include "image/sink.hpp"
#include "image/stream.hpp"

namespace tessera {

class TileSource final : public Source {
 public:
  explicit TileSource(Tile whole, Metadata metadata = {});
  const ImageInfo& info() const override { return info_; }
  const Metadata& metadata() const override { return metadata_; }
  bool random_access() const override { return true; }
  void read_rows(Tile& out) override;

 private:
  Tile whole_;
  ImageInfo info_;
  Metadata metadata_;
};

/// Keeps the whole result.
class TileSink final : public Sink {
 public:
  explicit TileSink(const ImageInfo& info);
  std::int64_t piece_rows() const override { return piece_rows_; }
  EncodedPiece encode(const Tile& piece) const override;
  void append(const EncodedPiece& piece) override;
  void finish() override {}
  [[nodiscard]] const Tile& image() const { return whole_; }

 private:
  Tile whole_;
  ImageInfo info_;
  std::int64_t piece_rows_;
  std::int64_t next_row_ = 0;
};

/// For findings alone: the pixels go nowhere.
class NullSink final : public Sink {
 public:
  std::int64_t piece_rows() const override { return 64; }
  EncodedPiece encode(const Tile&) const override { return {}; }
  void append(const EncodedPiece&) override {}
  void finish() override {}
};

}  // namespace tessera
