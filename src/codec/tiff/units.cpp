// SPDX-License-Identifier: Apache-2.0
#include "codec/tiff/units.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace tessera {
namespace {

template <class Sample>
void invert_colors(Sample* row, std::int64_t width, int samples, int colors) {
  for (std::int64_t x = 0; x < width; ++x) {
    for (int c = 0; c < colors; ++c) {
      row[x * samples + c] = static_cast<Sample>(~row[x * samples + c]);
    }
  }
}

template <class Sample>
void divide_by_alpha(Sample* row, std::int64_t width, int samples) {
  constexpr std::uint32_t full = static_cast<Sample>(~Sample{0});
  for (std::int64_t x = 0; x < width; ++x) {
    Sample* const pixel = row + x * samples;
    const std::uint32_t alpha = pixel[samples - 1];
    for (int c = 0; c + 1 < samples; ++c) {
      pixel[c] =
          alpha == 0
              ? Sample{0}
              : static_cast<Sample>(std::min<std::uint32_t>(full, (pixel[c] * full + alpha / 2) / alpha));
    }
  }
}

class UnitRows final : public RowDecoder {
 public:
  UnitRows(std::shared_ptr<TiffFile> file, const TiffLayout& layout, bool salvage)
      : file_(std::move(file)),
        layout_(layout),
        salvage_(salvage),
        planes_(layout.planar == PLANARCONFIG_SEPARATE ? layout.samples : 1),
        plane_samples_(layout.samples / planes_),
        sample_bytes_(layout.bits == 16 ? 2 : 1),
        row_bytes_(std::int64_t{layout.width} * layout.samples * sample_bytes_) {}

  bool random_access() const override { return true; }

  void decode(std::int64_t y, std::byte* row) override {
    const std::int64_t unit = y / layout_.unit_rows;
    if (unit != held_unit_) {
      held_unit_ = -1;
      load(unit);
      held_unit_ = unit;
    }
    std::memcpy(row, held_.data() + y % layout_.unit_rows * row_bytes_, static_cast<std::size_t>(row_bytes_));
    if (sample_bytes_ == 2) {
      finish_row(reinterpret_cast<std::uint16_t*>(row));
    } else {
      finish_row(reinterpret_cast<std::uint8_t*>(row));
    }
  }

  RowState state(std::int64_t y) const override {
    return states_[static_cast<std::size_t>(y % layout_.unit_rows)];
  }
  Error damage() const override { return without_salvage_advice(file_->error("its pixel data")); }

 private:
  template <class Sample>
  void finish_row(Sample* row) const {
    const bool alpha = layout_.samples % 2 == 0;
    if (layout_.photometric == PHOTOMETRIC_MINISWHITE) {
      invert_colors(row, layout_.width, layout_.samples, layout_.samples - (alpha ? 1 : 0));
    }
    if (alpha && layout_.extra_sample == EXTRASAMPLE_ASSOCALPHA) {
      divide_by_alpha(row, layout_.width, layout_.samples);
    }
  }

  void load(std::int64_t unit) {
    const std::int64_t rows =
        std::min<std::int64_t>(layout_.unit_rows, layout_.height - unit * layout_.unit_rows);
    held_.resize(static_cast<std::size_t>(rows * row_bytes_));
    states_.assign(static_cast<std::size_t>(rows), RowState::whole);
    if (!layout_.tiled) {
      clear(held_);
    }
    for (int plane = 0; plane < planes_; ++plane) {
      if (layout_.tiled) {
        load_tiles(unit, rows, plane);
      } else {
        load_strip(unit, rows, plane);
      }
    }
  }

  /// libtiff takes streams that unpack to more than they should, and then leaves some of the last bytes unwritten: other
  /// images' pixels must not show there.
  void clear(Bytes& bytes) const {
    if (salvage_ || layout_.compression != COMPRESSION_NONE) {
      std::fill(bytes.begin(), bytes.end(), std::byte{0});
    }
  }

  void load_strip(std::int64_t unit, std::int64_t rows, int plane) {
    const std::int64_t packed_row = (std::int64_t{layout_.width} * plane_samples_ * layout_.bits + 7) / 8;
    const bool as_it_is = layout_.bits >= 8 && planes_ == 1;
    std::byte* packed = held_.data();
    if (!as_it_is) {
      packed_.assign(static_cast<std::size_t>(rows * packed_row), std::byte{0});
      packed = packed_.data();
    }
    const std::int64_t strips = (std::int64_t{layout_.height} + layout_.unit_rows - 1) / layout_.unit_rows;
    if (salvage_) {
      salvage_strip(unit, rows, plane, packed, packed_row);
    } else {
      const auto bytes = static_cast<tmsize_t>(rows * packed_row);
      accept(TIFFReadEncodedStrip(file_->get(), static_cast<std::uint32_t>(plane * strips + unit), packed,
                                  bytes) == bytes,
             unit);
    }
    for (std::int64_t y = 0; y < rows && !as_it_is; ++y) {
      unpack(packed + y * packed_row, y, 0, layout_.width, plane);
    }
  }

  // Row by row, because libtiff undoes a predictor over a whole strip only if all of it unpacks.
  void salvage_strip(std::int64_t unit, std::int64_t rows, int plane, std::byte* packed,
                     std::int64_t packed_row) {
    for (std::int64_t y = 0; y < rows; ++y) {
      const auto row = static_cast<std::uint32_t>(unit * layout_.unit_rows + y);
      if (TIFFReadScanline(file_->get(), packed + y * packed_row, row, static_cast<std::uint16_t>(plane)) !=
          1) {
        lose(y, rows, planes_ == 1 ? RowState::lost : RowState::partial);
        return;
      }
    }
  }

  void load_tiles(std::int64_t unit, std::int64_t rows, int plane) {
    const auto tile_bytes = static_cast<tmsize_t>(TIFFTileSize64(file_->get()));
    const auto tile_row = static_cast<std::int64_t>(TIFFTileRowSize64(file_->get()));
    packed_.resize(static_cast<std::size_t>(tile_bytes));
    std::int64_t tiles = 0;
    std::int64_t broken = 0;
    for (std::int64_t x = 0; x < layout_.width; x += layout_.tile_width) {
      const std::uint32_t tile = TIFFComputeTile(file_->get(), static_cast<std::uint32_t>(x),
                                                 static_cast<std::uint32_t>(unit * layout_.unit_rows), 0,
                                                 static_cast<std::uint16_t>(plane));
      clear(packed_);
      // With salvage, what libtiff managed to unpack of a tile before it gave up stays.
      ++tiles;
      broken +=
          accept(TIFFReadEncodedTile(file_->get(), tile, packed_.data(), tile_bytes) == tile_bytes, unit) ? 0
                                                                                                          : 1;
      const std::int64_t columns = std::min<std::int64_t>(layout_.tile_width, layout_.width - x);
      for (std::int64_t y = 0; y < rows; ++y) {
        unpack(packed_.data() + y * tile_row, y, x, columns, plane);
      }
    }
    if (broken > 0) {
      lose(0, rows, broken == tiles && planes_ == 1 ? RowState::lost : RowState::partial);
    }
  }

  void lose(std::int64_t from, std::int64_t rows, RowState state) {
    for (std::int64_t y = from; y < rows; ++y) {
      RowState& row = states_[static_cast<std::size_t>(y)];
      row = std::max(row, state);
    }
  }

  /// Spreads `columns` packed pixels of a plane over row `y` of what is held, from column `x` on.
  void unpack(const std::byte* packed, std::int64_t y, std::int64_t x, std::int64_t columns, int plane) {
    std::byte* const to = held_.data() + y * row_bytes_ + (x * layout_.samples + plane) * sample_bytes_;
    const std::int64_t count = columns * plane_samples_;
    if (planes_ == 1 && layout_.bits >= 8) {
      std::memcpy(to, packed, static_cast<std::size_t>(count * sample_bytes_));
      return;
    }
    const std::int64_t step = planes_ == 1 ? 1 : layout_.samples;
    if (layout_.bits == 16) {
      const auto* const from = reinterpret_cast<const std::uint16_t*>(packed);
      auto* const wide = reinterpret_cast<std::uint16_t*>(to);
      for (std::int64_t i = 0; i < count; ++i) {
        wide[i * step] = from[i];
      }
      return;
    }
    const int bits = layout_.bits;
    const int most = (1 << bits) - 1;
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t bit = i * bits;
      const int value = static_cast<int>(packed[bit / 8]) >> (8 - bits - static_cast<int>(bit % 8)) & most;
      to[i * step] = static_cast<std::byte>(value * 255 / most);
    }
  }

  bool accept(bool whole, std::int64_t unit) const {
    if (!whole && !salvage_) {
      throw file_->error(fmt::format("the {} from row {} on", layout_.tiled ? "row of tiles" : "strip",
                                     unit * layout_.unit_rows));
    }
    return whole;
  }

  std::shared_ptr<TiffFile> file_;
  TiffLayout layout_;
  bool salvage_;
  int planes_;
  int plane_samples_;
  int sample_bytes_;
  std::int64_t row_bytes_;  ///< as handed out
  std::int64_t held_unit_ = -1;
  Bytes held_;
  std::vector<RowState> states_;  ///< of the rows held
  Bytes packed_;                  ///< of one plane of a strip, or one tile
};

}  // namespace

std::unique_ptr<RowDecoder> make_tiff_unit_decoder(std::shared_ptr<TiffFile> file, const TiffLayout& layout,
                                                   bool salvage) {
  return std::make_unique<UnitRows>(std::move(file), layout, salvage);
}

}  // namespace tessera
