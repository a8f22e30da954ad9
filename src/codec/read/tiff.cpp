// TIFF and BigTIFF. The plain kinds (gray or RGB of 8 or 16 bits, samples interleaved) are read by libtiff in
// any order of rows; everything else goes through libvips.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "codec/read/formats.hpp"
#include "codec/read/rows.hpp"
#include "codec/read/tiff_file.hpp"
#include "codec/read/tiff_tags.hpp"

namespace tessera {
namespace {

// A compressed strip, or a row of tiles, is unpacked whole and held.
constexpr std::int64_t max_unit_bytes = std::int64_t{96} << 20;

// Rows of an uncompressed image in strips: read from where they are.
class DirectRows final : public RowDecoder {
 public:
  DirectRows(std::shared_ptr<TiffFile> file, const TiffLayout& layout)
      : file_(std::move(file)), layout_(layout) {}

  bool random_access() const override { return true; }

  void decode(std::int64_t y, std::byte* row) override {
    const std::int64_t bytes = layout_.row_bytes();
    const auto strip = static_cast<std::uint32_t>(y / layout_.unit_rows);
    const std::int64_t within = y % layout_.unit_rows * bytes;
    const auto offset = static_cast<std::int64_t>(TIFFGetStrileOffset(file_->get(), strip));
    const auto stored = static_cast<std::int64_t>(TIFFGetStrileByteCount(file_->get(), strip));
    const Input& input = file_->input();
    if (offset <= 0 || offset > input.size() || stored < within + bytes ||
        !input.read_all_at(offset + within, {row, static_cast<std::size_t>(bytes)})) {
      throw damaged(input, ImageFormat::tiff,
                    fmt::format("row {} of {} lies outside the file", y, layout_.height));
    }
    if (layout_.bits == 16 && TIFFIsByteSwapped(file_->get()) != 0) {
      TIFFSwabArrayOfShort(reinterpret_cast<std::uint16_t*>(row), bytes / 2);
    }
  }

 private:
  std::shared_ptr<TiffFile> file_;
  TiffLayout layout_;
};

// Strips or rows of tiles, unpacked one at a time and kept until another is asked for.
class UnitRows final : public RowDecoder {
 public:
  UnitRows(std::shared_ptr<TiffFile> file, const TiffLayout& layout, bool salvage)
      : file_(std::move(file)), layout_(layout), salvage_(salvage) {}

  bool random_access() const override { return true; }

  void decode(std::int64_t y, std::byte* row) override {
    const std::int64_t unit = y / layout_.unit_rows;
    if (unit != held_unit_) {
      held_unit_ = -1;
      load(unit);
      held_unit_ = unit;
    }
    const std::int64_t bytes = layout_.row_bytes();
    std::memcpy(row, held_.data() + y % layout_.unit_rows * bytes, static_cast<std::size_t>(bytes));
  }

 private:
  void load(std::int64_t unit) {
    const std::int64_t rows =
        std::min<std::int64_t>(layout_.unit_rows, layout_.height - unit * layout_.unit_rows);
    held_.resize(static_cast<std::size_t>(rows * layout_.row_bytes()));
    if (salvage_) {
      std::fill(held_.begin(), held_.end(), std::byte{0});
    }
    if (layout_.tiled) {
      load_tiles(unit, rows);
    } else if (salvage_) {
      salvage_strip(unit, rows);
    } else {
      const auto bytes = static_cast<tmsize_t>(held_.size());
      accept(TIFFReadEncodedStrip(file_->get(), static_cast<std::uint32_t>(unit), held_.data(), bytes), bytes,
             unit);
    }
  }

  // Row by row, because libtiff undoes a predictor over a whole strip only if all of it unpacks.
  void salvage_strip(std::int64_t unit, std::int64_t rows) {
    for (std::int64_t y = 0; y < rows; ++y) {
      const auto row = static_cast<std::uint32_t>(unit * layout_.unit_rows + y);
      if (TIFFReadScanline(file_->get(), held_.data() + y * layout_.row_bytes(), row, 0) != 1) {
        return;
      }
    }
  }

  void load_tiles(std::int64_t unit, std::int64_t rows) {
    const auto tile_bytes = static_cast<tmsize_t>(TIFFTileSize64(file_->get()));
    tile_.resize(static_cast<std::size_t>(tile_bytes));
    const std::int64_t pixel_bytes = std::int64_t{layout_.samples} * layout_.bits / 8;
    const std::int64_t tile_row_bytes = layout_.tile_width * pixel_bytes;
    for (std::int64_t x = 0; x < layout_.width; x += layout_.tile_width) {
      const std::uint32_t tile = TIFFComputeTile(file_->get(), static_cast<std::uint32_t>(x),
                                                 static_cast<std::uint32_t>(unit * layout_.unit_rows), 0, 0);
      if (salvage_) {
        std::fill(tile_.begin(), tile_.end(), std::byte{0});
      }
      accept(TIFFReadEncodedTile(file_->get(), tile, tile_.data(), tile_bytes), tile_bytes, unit);
      const std::int64_t bytes = std::min(tile_row_bytes, layout_.row_bytes() - x * pixel_bytes);
      for (std::int64_t y = 0; y < rows; ++y) {
        std::memcpy(held_.data() + y * layout_.row_bytes() + x * pixel_bytes,
                    tile_.data() + y * tile_row_bytes, static_cast<std::size_t>(bytes));
      }
    }
  }

  // With salvage, what libtiff managed to unpack of a tile before it gave up stays.
  void accept(tmsize_t got, tmsize_t expected, std::int64_t unit) const {
    if (got != expected && !salvage_) {
      throw file_->error(fmt::format("the {} from row {} on", layout_.tiled ? "row of tiles" : "strip",
                                     unit * layout_.unit_rows));
    }
  }

  std::shared_ptr<TiffFile> file_;
  TiffLayout layout_;
  bool salvage_;
  std::int64_t held_unit_ = -1;
  Bytes held_;
  Bytes tile_;
};

void check_kind(const Input& input, const TiffLayout& layout) {
  const bool depth =
      layout.bits == 1 || layout.bits == 2 || layout.bits == 4 || layout.bits == 8 || layout.bits == 16;
  if (layout.sample_format != SAMPLEFORMAT_UINT && layout.sample_format != SAMPLEFORMAT_VOID &&
      layout.photometric != PHOTOMETRIC_CIELAB) {
    throw unsupported(input, ImageFormat::tiff,
                      "its samples are signed or floating-point numbers; only unsigned integers are read");
  }
  if (!depth) {
    throw unsupported(input, ImageFormat::tiff,
                      fmt::format("it has {} bits a sample; only 1, 2, 4, 8 and 16 are read", layout.bits));
  }
  constexpr int most_samples = 5;  // CMYK with alpha
  if (layout.samples < 1 || layout.samples > most_samples) {
    throw unsupported(
        input, ImageFormat::tiff,
        fmt::format("it has {} samples a pixel; at most {} are read", layout.samples, most_samples));
  }
  if (TIFFIsCODECConfigured(layout.compression) == 0) {
    throw unsupported(input, ImageFormat::tiff,
                      fmt::format("its compression {} is not known", layout.compression));
  }
}

// Whether libtiff hands out samples just as they are wanted.
bool is_plain(const TiffLayout& layout) {
  const bool gray =
      layout.photometric == PHOTOMETRIC_MINISBLACK && (layout.samples == 1 || layout.samples == 2);
  const bool rgb = layout.photometric == PHOTOMETRIC_RGB && (layout.samples == 3 || layout.samples == 4);
  const bool alpha = layout.samples % 2 == 0;
  const bool byte_codec = layout.compression == COMPRESSION_NONE || layout.compression == COMPRESSION_LZW ||
                          layout.compression == COMPRESSION_ADOBE_DEFLATE ||
                          layout.compression == COMPRESSION_DEFLATE ||
                          layout.compression == COMPRESSION_PACKBITS ||
                          layout.compression == COMPRESSION_LZMA || layout.compression == COMPRESSION_ZSTD;
  return (gray || rgb) && byte_codec && layout.bits >= 8 && layout.sample_format == SAMPLEFORMAT_UINT &&
         (layout.planar == PLANARCONFIG_CONTIG || layout.samples == 1) &&
         layout.fill_order == FILLORDER_MSB2LSB && (!alpha || layout.extra_sample == EXTRASAMPLE_UNASSALPHA);
}

bool is_direct(const TiffLayout& layout) { return !layout.tiled && layout.compression == COMPRESSION_NONE; }

bool fits_units(const TiffLayout& layout) {
  if (layout.unit_rows == 0 || (layout.tiled && layout.tile_width == 0)) {
    return false;
  }
  const std::int64_t columns = std::max<std::int64_t>(layout.width, layout.tile_width);
  const std::int64_t row_bytes = columns * layout.samples * layout.bits / 8;
  return layout.unit_rows <= max_unit_bytes / row_bytes;
}

// libvips takes time with the square of the tiles in a row: a minute for 60 000 of them.
void check_tiles_across(const Input& input, const TiffLayout& layout) {
  constexpr std::int64_t most_tiles = 4096;
  if (layout.tiled && (layout.tile_width == 0 || layout.width / layout.tile_width > most_tiles)) {
    throw unsupported(input, ImageFormat::tiff,
                      fmt::format("its tiles are {} pixels wide, so that there are more than {} in a row",
                                  layout.tile_width, most_tiles));
  }
}

}  // namespace

StoredImage open_tiff(const InputPtr& input, const ReadOptions& options) {
  auto file = std::make_shared<TiffFile>(input);
  const TiffLayout layout = file->layout();
  check_extent(*input, options.limits, layout.width, layout.height);
  check_kind(*input, layout);
  ImageHeader header;
  header.info = {
      {layout.width, layout.height},
      {layout.bits == 16 ? Depth::u16 : Depth::u8, layout.samples >= 3 ? 3 : 1, layout.samples % 2 == 0}};
  check_size(*input, options.limits, header.info, layout.row_bytes() * layout.height, Delivery::streamed);
  const bool direct = is_direct(layout);
  const bool native = is_plain(layout) && (direct ? layout.unit_rows > 0 : fits_units(layout));
  header.metadata = file->metadata(options.limits);
  TiffTags tags = read_tiff_tags(*input, options.limits);
  header.metadata.exif = std::move(tags.exif);
  header.metadata.iptc = std::move(tags.iptc);
  const int orientation = layout.orientation;
  if (!options.salvage) {
    check_frames(*input, options.limits, file->pages());
  }
  if (!native) {
    check_tiles_across(*input, layout);
    StoredImage stored = open_vips(input, ImageFormat::tiff, options);
    stored.metadata = std::move(header.metadata);
    stored.warnings = std::move(tags.warnings);
    return stored;
  }
  // Counting the pages may have moved libtiff's place.
  if (TIFFSetDirectory(file->get(), 0) != 1) {
    throw file->error("its first page");
  }
  std::unique_ptr<RowDecoder> decoder;
  if (direct) {
    decoder = std::make_unique<DirectRows>(std::move(file), layout);
  } else {
    decoder = std::make_unique<UnitRows>(std::move(file), layout, options.salvage);
  }
  return {make_row_source(std::move(header), std::move(decoder), options.salvage), orientation,
          std::move(tags.warnings)};
}

}  // namespace tessera
