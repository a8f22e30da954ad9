// SPDX-License-Identifier: Apache-2.0
// TIFF in tiles: a piece is one row of tiles, compressed by whoever made it. The directories are ours, because
// libtiff knows no tiles that others write, and no directory in front of them.
//
// With smaller levels all tiles go into a file of their own first, level by level, where each is read to make
// the next. The result is then laid out as a Cloud Optimized GeoTIFF: directories, from the largest level to
// the smallest, then tiles, from the smallest level to the largest.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/error.hpp"
#include "codec/common/openers.hpp"
#include "codec/common/sinks.hpp"
#include "codec/tiff/compression.hpp"
#include "codec/tiff/directory.hpp"
#include "codec/tiff/tile_encoder.hpp"
#include "codec/tiff/written_metadata.hpp"

namespace tessera {
namespace {

constexpr std::int64_t classic_limit_bytes = 3'900'000'000;

struct Level {
  Extent extent;
  std::vector<std::uint64_t> offsets;  ///< of its tiles
  std::vector<std::uint64_t> sizes;

  [[nodiscard]] std::uint64_t begin() const { return offsets.front(); }
  [[nodiscard]] std::uint64_t bytes() const { return offsets.back() + sizes.back() - offsets.front(); }
};

/// For what this process has just written itself.
ReadLimits no_limits() {
  constexpr std::int64_t any = std::int64_t{1} << 50;
  ReadLimits limits;
  limits.max_file_bytes = limits.max_pixels = limits.max_side_px = any;
  limits.max_buffered_bytes = limits.max_metadata_bytes = any;
  limits.max_expansion = 1 << 20;
  return limits;
}

class TiffSink final : public FormatSink, public Pyramid {
 public:
  TiffSink(std::unique_ptr<AtomicFile> opened, const ImageInfo& info, const Metadata& metadata,
           const WriteOptions& options)
      : FormatSink(std::move(opened)),
        info_(info),
        metadata_(metadata),
        options_(options.tiff),
        encoder_(info.format, options.tiff, options.quality),
        big_(options.tiff.big ||
             (options.tiff.pyramid ? 4 * info.bytes() / 3 : info.bytes()) > classic_limit_bytes),
        levels_{Level{info.extent, {}, {}}} {
    check_side(info, 0x7fffffff, "TIFF", "smaller parts");
    if (file() != nullptr && options_.pyramid) {
      scratch_ = std::make_unique<AtomicFile>(file()->folder() / "levels", file()->name());
    }
    pieces_ = scratch_ ? scratch_.get() : file();
    share(pieces_);
    if (pieces_ != nullptr) {
      pieces_->write(tiff_file_header(big_, 0));
      exif_begin_ = TiffDirectory::aligned(static_cast<std::uint64_t>(pieces_->size()));
      if (!options_.pyramid) {
        pieces_->write_at(static_cast<std::int64_t>(exif_begin_),
                          tiff_exif_directories(metadata_, exif_begin_, big_));
      }
    }
  }

  std::int64_t piece_rows() const override { return options_.tile_px; }

  /// The rows interleaved, a tile and what it becomes, and the body that grows with each tile: half of it is copied
  /// when it has to move. The root notes where each tile lies.
  EncodingCost encoding_cost() const override {
    const std::int64_t tile =
        std::int64_t{options_.tile_px} * options_.tile_px * info_.format.bytes_per_pixel();
    const std::int64_t across = (info_.extent.width + options_.tile_px - 1) / options_.tile_px;
    const std::int64_t down = (info_.extent.height + options_.tile_px - 1) / options_.tile_px;
    const auto entry = static_cast<std::int64_t>(sizeof(std::uint64_t));
    return {
        .piece = std::min<std::int64_t>(options_.tile_px, info_.extent.height) * info_.row_bytes() + 2 * tile,
        .bodies = 0.5,
        .index = across * entry,
        .root = 2 * across * down * entry};
  }

  /// Tiles from left to right; the index has the size of each.
  EncodedPiece encode(const Tile& piece) const override {
    const auto row_bytes = static_cast<std::size_t>(info_.row_bytes());
    std::vector<Bytes> rows(static_cast<std::size_t>(piece.color.rows), Bytes(row_bytes));
    for (int y = 0; y < piece.color.rows; ++y) {
      interleave_row(piece, y, rows[static_cast<std::size_t>(y)].data());
    }
    EncodedPiece out;
    for (std::int64_t x = 0; x < info_.extent.width; x += options_.tile_px) {
      Bytes pixels = cut_tile(rows, x);
      const Bytes tile = encoder_.encode(pixels);
      const std::uint64_t size = tile.size();
      append_bytes(out.index, &size, sizeof size);
      append_bytes(out.body, tile.data(), tile.size());
    }
    return out;
  }

  void append(const EncodedPiece& piece) override {
    note_tiles(piece.index);
    pieces_->write(piece.body);
  }

  void skip(std::span<const std::byte> index, std::int64_t body_bytes) override {
    note_tiles(index);
    pieces_->skip(body_bytes);
  }

  void finish() override {
    const TiffDirectory directory = describe(levels_.size() - 1, !options_.pyramid);
    const std::uint64_t begin = TiffDirectory::aligned(static_cast<std::uint64_t>(pieces_->size()));
    pieces_->write_at(static_cast<std::int64_t>(begin), directory.serialize(begin, 0));
    pieces_->write_at(0, tiff_file_header(big_, begin));
    if (!options_.pyramid) {
      file()->commit();
    }
  }

  Pyramid* pyramid() override { return options_.pyramid ? this : nullptr; }

  ImageInfo finished_level() const override { return info_; }

  std::optional<ImageInfo> begin_next_level() override {
    Extent& extent = info_.extent;
    if (std::max(extent.width, extent.height) <= options_.tile_px) {
      return std::nullopt;
    }
    extent = {(extent.width + 1) / 2, (extent.height + 1) / 2};
    levels_.push_back({extent, {}, {}});
    return info_;
  }

  std::unique_ptr<Source> open_finished_level() override {
    const int descriptor = scratch_ ? scratch_->descriptor() : shared_file().descriptor();
    if (descriptor < 0) {
      return nullptr;
    }
    return open_input(open_descriptor_input(descriptor, "a level of the result"),
                      {.limits = no_limits(), .keep_metadata = false});
  }

  void publish() override {
    std::vector<TiffDirectory> directories;
    std::vector<std::uint64_t> begins;
    std::uint64_t at = tiff_file_header(big_, 0).size();
    for (std::size_t level = 0; level < levels_.size(); ++level) {
      // Neither offsets nor the place of the EXIF directories change its size.
      begins.push_back(at);
      at += describe(level, level == 0).size();
    }
    exif_begin_ = at;
    const Bytes exif = tiff_exif_directories(metadata_, exif_begin_, big_);
    at = TiffDirectory::aligned(at + exif.size());
    const std::uint64_t tiles_begin = at;
    std::vector<std::uint64_t> sources;
    for (std::size_t level = levels_.size(); level-- > 0;) {
      sources.push_back(levels_[level].begin());
      move_level(levels_[level], at);
      at += levels_[level].bytes();
    }
    Bytes head = tiff_file_header(big_, begins.front());
    for (std::size_t level = 0; level < levels_.size(); ++level) {
      const std::uint64_t next = level + 1 < begins.size() ? begins[level + 1] : 0;
      const Bytes directory = describe(level, level == 0).serialize(begins[level], next);
      append_bytes(head, directory.data(), directory.size());
    }
    append_bytes(head, exif.data(), exif.size());
    head.resize(tiles_begin, std::byte{0});
    file()->write(head);
    for (std::size_t level = levels_.size(); level-- > 0;) {
      file()->copy_from(scratch_->descriptor(),
                        static_cast<std::int64_t>(sources[levels_.size() - 1 - level]),
                        static_cast<std::int64_t>(levels_[level].bytes()));
    }
    file()->commit();
  }

 private:
  static void move_level(Level& level, std::uint64_t to) {
    const std::uint64_t from = level.begin();
    for (std::uint64_t& offset : level.offsets) {
      offset = offset - from + to;
    }
  }

  /// Pixels of the tile at column `x` of a piece, full-size; what lies outside the image is 0 or, where it
  /// would show inside, the nearest pixel.
  [[nodiscard]] Bytes cut_tile(const std::vector<Bytes>& rows, std::int64_t x) const {
    const auto pixel = static_cast<std::size_t>(info_.format.bytes_per_pixel());
    const auto side = static_cast<std::size_t>(options_.tile_px);
    const auto columns =
        static_cast<std::size_t>(std::min<std::int64_t>(options_.tile_px, info_.extent.width - x));
    const bool continues = encoder_.continues_edges();
    Bytes tile(side * side * pixel);
    for (std::size_t y = 0; y < side; ++y) {
      std::byte* const row = tile.data() + y * side * pixel;
      if (y >= rows.size() && !continues) {
        std::memset(row, 0, side * pixel);
        continue;
      }
      const Bytes& from = rows[std::min(y, rows.size() - 1)];
      std::memcpy(row, from.data() + static_cast<std::size_t>(x) * pixel, columns * pixel);
      for (std::size_t column = columns; column < side; ++column) {
        if (continues) {
          std::memcpy(row + column * pixel, row + (columns - 1) * pixel, pixel);
        } else {
          std::memset(row + column * pixel, 0, pixel);
        }
      }
    }
    return tile;
  }

  void note_tiles(std::span<const std::byte> index) {
    Level& level = levels_.back();
    auto offset = static_cast<std::uint64_t>(pieces_->size());
    for (std::size_t at = 0; at < index.size(); at += sizeof(std::uint64_t)) {
      std::uint64_t size = 0;
      std::memcpy(&size, index.data() + at, sizeof size);
      level.offsets.push_back(offset);
      level.sizes.push_back(size);
      offset += size;
    }
  }

  [[nodiscard]] TiffDirectory describe(std::size_t number, bool with_metadata) const {
    const Level& level = levels_[number];
    const PixelFormat& format = info_.format;
    TiffDirectory directory(big_);
    if (options_.pyramid) {
      directory.set_long(TIFFTAG_SUBFILETYPE, number == 0 ? 0 : FILETYPE_REDUCEDIMAGE);
    }
    directory.set_long(TIFFTAG_IMAGEWIDTH, static_cast<std::uint32_t>(level.extent.width));
    directory.set_long(TIFFTAG_IMAGELENGTH, static_cast<std::uint32_t>(level.extent.height));
    const std::size_t samples = static_cast<std::size_t>(format.channels) + (format.alpha ? 1U : 0U);
    directory.set_shorts(
        TIFFTAG_BITSPERSAMPLE,
        std::vector<std::uint16_t>(samples, static_cast<std::uint16_t>(8 * format.bytes_per_sample())));
    directory.set_short(TIFFTAG_COMPRESSION, compression_code(options_.compression));
    const bool ycbcr = options_.compression == TiffCompression::jpeg && format.channels == 3;
    directory.set_short(TIFFTAG_PHOTOMETRIC, ycbcr                  ? PHOTOMETRIC_YCBCR
                                             : format.channels == 3 ? PHOTOMETRIC_RGB
                                                                    : PHOTOMETRIC_MINISBLACK);
    directory.set_short(TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT);
    directory.set_short(TIFFTAG_SAMPLESPERPIXEL, static_cast<std::uint16_t>(samples));
    directory.set_short(TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
    if (has_predictor(options_.compression)) {
      directory.set_short(TIFFTAG_PREDICTOR, 2);  // horizontal
    }
    directory.set_long(TIFFTAG_TILEWIDTH, static_cast<std::uint32_t>(options_.tile_px));
    directory.set_long(TIFFTAG_TILELENGTH, static_cast<std::uint32_t>(options_.tile_px));
    directory.set_offsets(TIFFTAG_TILEOFFSETS, level.offsets);
    directory.set_offsets(TIFFTAG_TILEBYTECOUNTS, level.sizes);
    if (format.alpha) {
      directory.set_short(TIFFTAG_EXTRASAMPLES, EXTRASAMPLE_UNASSALPHA);
    }
    if (!encoder_.jpeg_tables().empty()) {
      directory.set_bytes(TIFFTAG_JPEGTABLES, TIFF_UNDEFINED, encoder_.jpeg_tables().size(),
                          encoder_.jpeg_tables());
    }
    if (ycbcr) {
      const auto step = static_cast<std::uint16_t>(encoder_.halves_chroma() ? 2 : 1);
      directory.set_shorts(TIFFTAG_YCBCRSUBSAMPLING, std::vector<std::uint16_t>(2, step));
    }
    if (with_metadata) {
      add_tiff_metadata(directory, metadata_, exif_begin_, big_);
    }
    return directory;
  }

  ImageInfo info_;  ///< of the level at hand
  Metadata metadata_;
  TiffOptions options_;
  TileEncoder encoder_;
  bool big_;
  std::vector<Level> levels_;  ///< the last is being written
  // Root only.
  std::unique_ptr<AtomicFile> scratch_;  ///< tiles of all levels, if there are several; never gets a name
  AtomicFile* pieces_ = nullptr;         ///< where tiles are written
  std::uint64_t exif_begin_ = 0;
};

}  // namespace

std::unique_ptr<FormatSink> make_tiff_sink(std::unique_ptr<AtomicFile> file, const ImageInfo& info,
                                           const Metadata& metadata, const WriteOptions& options) {
  return std::make_unique<TiffSink>(std::move(file), info, metadata, options);
}

}  // namespace tessera
