// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "codec/tiff/unit_samples.hpp"
#include "codec/tiff/units.hpp"

namespace tessera {
namespace {

class SalvagedUnits final : public RowDecoder {
 public:
  SalvagedUnits(std::shared_ptr<TiffFile> file, const TiffLayout& layout)
      : file_(std::move(file)), samples_(layout) {}

  bool random_access() const override { return true; }

  void decode(std::int64_t y, std::byte* row) override {
    const std::int64_t unit = y / layout().unit_rows;
    if (unit != held_unit_) {
      held_unit_ = -1;
      load(unit);
      held_unit_ = unit;
    }
    std::memcpy(row, held_.data() + y % layout().unit_rows * samples_.row_bytes(),
                static_cast<std::size_t>(samples_.row_bytes()));
    samples_.finish_row(row);
  }

  RowState state(std::int64_t y) const override {
    return states_[static_cast<std::size_t>(y % layout().unit_rows)];
  }
  void read_ahead(const Interval& rows, std::int64_t max_bytes) override {
    file_->read_ahead(layout(), layout().units_of(rows), max_bytes);
  }
  Error damage() const override { return without_salvage_advice(file_->error("its pixel data")); }

 private:
  [[nodiscard]] const TiffLayout& layout() const { return samples_.layout(); }

  void load(std::int64_t unit) {
    const std::int64_t rows = samples_.rows_of(unit);
    held_.assign(static_cast<std::size_t>(rows * samples_.row_bytes()), std::byte{0});
    states_.assign(static_cast<std::size_t>(rows), RowState::whole);
    for (int plane = 0; plane < samples_.planes(); ++plane) {
      if (layout().tiled) {
        load_tiles(unit, rows, plane);
      } else {
        load_strip(unit, rows, plane);
      }
    }
  }

  // Row by row, because libtiff undoes a predictor over a whole strip only if all of it unpacks.
  void load_strip(std::int64_t unit, std::int64_t rows, int plane) {
    const std::int64_t packed_row = samples_.packed_row_bytes();
    std::byte* packed = held_.data();
    if (!samples_.strips_as_held()) {
      packed_.assign(static_cast<std::size_t>(rows * packed_row), std::byte{0});
      packed = packed_.data();
    }
    for (std::int64_t y = 0; y < rows; ++y) {
      const auto row = static_cast<std::uint32_t>(unit * layout().unit_rows + y);
      if (TIFFReadScanline(file_->get(), packed + y * packed_row, row, static_cast<std::uint16_t>(plane)) !=
          1) {
        lose(y, rows, samples_.planes() == 1 ? RowState::lost : RowState::partial);
        break;
      }
    }
    for (std::int64_t y = 0; y < rows && !samples_.strips_as_held(); ++y) {
      samples_.unpack(packed + y * packed_row, held_.data(), y, 0, layout().width, plane);
    }
  }

  // What libtiff managed to unpack of a tile before it gave up stays.
  void load_tiles(std::int64_t unit, std::int64_t rows, int plane) {
    const auto tile_bytes = static_cast<tmsize_t>(TIFFTileSize64(file_->get()));
    const auto tile_row = static_cast<std::int64_t>(TIFFTileRowSize64(file_->get()));
    std::int64_t tiles = 0;
    std::int64_t broken = 0;
    for (std::int64_t x = 0; x < layout().width; x += layout().tile_width) {
      const std::uint32_t tile = TIFFComputeTile(file_->get(), static_cast<std::uint32_t>(x),
                                                 static_cast<std::uint32_t>(unit * layout().unit_rows), 0,
                                                 static_cast<std::uint16_t>(plane));
      packed_.assign(static_cast<std::size_t>(tile_bytes), std::byte{0});
      ++tiles;
      broken += TIFFReadEncodedTile(file_->get(), tile, packed_.data(), tile_bytes) == tile_bytes ? 0 : 1;
      const std::int64_t columns = std::min<std::int64_t>(layout().tile_width, layout().width - x);
      for (std::int64_t y = 0; y < rows; ++y) {
        samples_.unpack(packed_.data() + y * tile_row, held_.data(), y, x, columns, plane);
      }
    }
    if (broken > 0) {
      lose(0, rows, broken == tiles && samples_.planes() == 1 ? RowState::lost : RowState::partial);
    }
  }

  void lose(std::int64_t from, std::int64_t rows, RowState state) {
    for (std::int64_t y = from; y < rows; ++y) {
      RowState& row = states_[static_cast<std::size_t>(y)];
      row = std::max(row, state);
    }
  }

  std::shared_ptr<TiffFile> file_;
  UnitSamples samples_;
  std::int64_t held_unit_ = -1;
  Bytes held_;
  std::vector<RowState> states_;  ///< of the rows held
  Bytes packed_;                  ///< of one plane of a strip, or one tile
};

}  // namespace

std::unique_ptr<RowDecoder> make_tiff_salvage_decoder(std::shared_ptr<TiffFile> file,
                                                      const TiffLayout& layout) {
  return std::make_unique<SalvagedUnits>(std::move(file), layout);
}

}  // namespace tessera
