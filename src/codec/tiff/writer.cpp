// SPDX-License-Identifier: Apache-2.0
// TIFF in tiles of 256x256: a piece is one row of tiles, compressed by whoever made it; libtiff keeps the
// container, also around tiles that others write.
#include <fmt/format.h>
#include <libdeflate.h>
#include <tiffio.h>

#include <cstring>
#include <optional>

#include "base/error.hpp"
#include "codec/common/sinks.hpp"
#include "codec/tiff/written_metadata.hpp"
#include "codec/tiff/written_stream.hpp"

namespace tessera {
namespace {

constexpr std::int64_t tile_px = 256;
constexpr std::int64_t classic_limit_bytes = 3'900'000'000;
constexpr int deflate_level = 1;

/// Horizontal differences, in place (TIFF 6.0 section 14).
template <class T>
void predict(std::byte* row, std::size_t samples_per_pixel) {
  auto* samples = reinterpret_cast<T*>(row);
  for (std::size_t i = static_cast<std::size_t>(tile_px) * samples_per_pixel - 1; i >= samples_per_pixel;
       --i) {
    samples[i] = static_cast<T>(samples[i] - samples[i - samples_per_pixel]);
  }
}

class TiffSink final : public Sink {
 public:
  TiffSink(std::unique_ptr<AtomicFile> file, const ImageInfo& info, const Metadata& metadata,
           const WriteOptions& options)
      : file_(std::move(file)), info_(info), compression_(options.tiff_compression) {
    check_side(info, 0x7fffffff, "TIFF", "smaller parts");
    if (file_) {
      open_container(metadata);
    }
  }
  TiffSink(const TiffSink&) = delete;
  TiffSink& operator=(const TiffSink&) = delete;
  ~TiffSink() override {
    if (tiff_ != nullptr) {
      TIFFClose(tiff_);
    }
  }

  std::int64_t piece_rows() const override { return tile_px; }

  /// Tiles from left to right; the index has the size of each.
  EncodedPiece encode(const Tile& piece) const override {
    const auto row_bytes = static_cast<std::size_t>(info_.row_bytes());
    const auto pixel = static_cast<std::size_t>(info_.format.bytes_per_pixel());
    std::vector<Bytes> rows(static_cast<std::size_t>(piece.color.rows), Bytes(row_bytes));
    for (int y = 0; y < piece.color.rows; ++y) {
      interleave_row(piece, y, rows[static_cast<std::size_t>(y)].data());
    }
    EncodedPiece out;
    Bytes tile(tile_bytes());
    for (std::int64_t x = 0; x < info_.extent.width; x += tile_px) {
      std::memset(tile.data(), 0, tile.size());
      const auto columns = static_cast<std::size_t>(std::min(tile_px, info_.extent.width - x));
      for (std::size_t y = 0; y < rows.size(); ++y) {
        std::byte* target = tile.data() + y * static_cast<std::size_t>(tile_px) * pixel;
        std::memcpy(target, rows[y].data() + static_cast<std::size_t>(x) * pixel, columns * pixel);
      }
      append_tile(out, tile);
    }
    return out;
  }

  void append(const EncodedPiece& piece) override { add_tiles(piece.index, piece.body.data()); }

  void skip(std::span<const std::byte> index, std::int64_t) override {
    stream_->skip_writes(true);
    add_tiles(index, nullptr);
    stream_->skip_writes(false);
  }

  void finish() override {
    const int flushed = TIFFFlush(tiff_);
    TIFFClose(tiff_);
    tiff_ = nullptr;
    stream_->rethrow_failure();
    if (flushed == 0) {
      throw Error(ErrorCode::io, "Writing the TIFF's directory failed: is the disk full?");
    }
    file_->commit();
  }

 private:
  /// Null `body`: somebody else writes the tiles.
  void add_tiles(std::span<const std::byte> sizes, const std::byte* body) {
    for (std::size_t at = 0; at < sizes.size(); at += sizeof(std::uint64_t)) {
      std::uint64_t size = 0;
      std::memcpy(&size, sizes.data() + at, sizeof size);
      // libtiff's parameter is not const, but it only reads; its LZW encoder is its own, on the root.
      auto* data = const_cast<std::byte*>(body);
      const auto count = static_cast<tmsize_t>(size);
      const tmsize_t written = compression_ == TiffCompression::lzw
                                   ? TIFFWriteEncodedTile(tiff_, next_tile_, data, count)
                                   : TIFFWriteRawTile(tiff_, next_tile_, data, count);
      stream_->rethrow_failure();
      if (written < 0) {
        throw Error(ErrorCode::io, "Writing a tile of the TIFF failed: is the disk full?");
      }
      ++next_tile_;
      body = body == nullptr ? nullptr : body + size;
    }
  }

  std::size_t tile_bytes() const {
    return static_cast<std::size_t>(tile_px * tile_px * info_.format.bytes_per_pixel());
  }

  void append_tile(EncodedPiece& out, Bytes& tile) const {
    const auto put = [&out](const std::byte* data, std::size_t size) {
      const std::uint64_t length = size;
      append_bytes(out.index, &length, sizeof length);
      append_bytes(out.body, data, size);
    };
    if (compression_ != TiffCompression::deflate) {
      put(tile.data(), tile.size());
      return;
    }
    const auto samples = static_cast<std::size_t>(info_.format.channels + (info_.format.alpha ? 1 : 0));
    const std::size_t row = tile.size() / static_cast<std::size_t>(tile_px);
    for (std::size_t y = 0; y < static_cast<std::size_t>(tile_px); ++y) {
      if (info_.format.depth == Depth::u8) {
        predict<std::uint8_t>(tile.data() + y * row, samples);
      } else {
        predict<std::uint16_t>(tile.data() + y * row, samples);
      }
    }
    const std::unique_ptr<libdeflate_compressor, decltype(&libdeflate_free_compressor)> compressor(
        libdeflate_alloc_compressor(deflate_level), &libdeflate_free_compressor);
    Bytes packed(libdeflate_zlib_compress_bound(compressor.get(), tile.size()));
    const std::size_t size =
        libdeflate_zlib_compress(compressor.get(), tile.data(), tile.size(), packed.data(), packed.size());
    if (size == 0) {
      throw Error(ErrorCode::internal, "Deflating a tile of a TIFF failed.");
    }
    put(packed.data(), size);
  }

  void open_container(const Metadata& metadata) {
    const bool big = info_.bytes() > classic_limit_bytes;
    stream_.emplace(*file_);
    tiff_ = stream_->open(big ? "wl8" : "wl");
    const auto bits = static_cast<std::uint16_t>(8 * info_.format.bytes_per_sample());
    const auto samples = static_cast<std::uint16_t>(info_.format.channels + (info_.format.alpha ? 1 : 0));
    TIFFSetField(tiff_, TIFFTAG_IMAGEWIDTH, static_cast<std::uint32_t>(info_.extent.width));
    TIFFSetField(tiff_, TIFFTAG_IMAGELENGTH, static_cast<std::uint32_t>(info_.extent.height));
    TIFFSetField(tiff_, TIFFTAG_TILEWIDTH, static_cast<std::uint32_t>(tile_px));
    TIFFSetField(tiff_, TIFFTAG_TILELENGTH, static_cast<std::uint32_t>(tile_px));
    TIFFSetField(tiff_, TIFFTAG_BITSPERSAMPLE, bits);
    TIFFSetField(tiff_, TIFFTAG_SAMPLESPERPIXEL, samples);
    TIFFSetField(tiff_, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
    TIFFSetField(tiff_, TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT);
    TIFFSetField(tiff_, TIFFTAG_PHOTOMETRIC,
                 info_.format.channels == 3 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK);
    if (info_.format.alpha) {
      const std::uint16_t kind = EXTRASAMPLE_UNASSALPHA;
      TIFFSetField(tiff_, TIFFTAG_EXTRASAMPLES, 1, &kind);
    }
    if (compression_ == TiffCompression::none) {
      TIFFSetField(tiff_, TIFFTAG_COMPRESSION, COMPRESSION_NONE);
    } else {
      const bool lzw = compression_ == TiffCompression::lzw;
      TIFFSetField(tiff_, TIFFTAG_COMPRESSION, lzw ? COMPRESSION_LZW : COMPRESSION_ADOBE_DEFLATE);
      TIFFSetField(tiff_, TIFFTAG_PREDICTOR, PREDICTOR_HORIZONTAL);
    }
    write_tiff_metadata(tiff_, *file_, big, metadata);
  }

  std::unique_ptr<AtomicFile> file_;
  std::optional<TiffOutputStream> stream_;
  ImageInfo info_;
  TiffCompression compression_;
  TIFF* tiff_ = nullptr;
  std::uint32_t next_tile_ = 0;
};

}  // namespace

std::unique_ptr<Sink> make_tiff_sink(std::unique_ptr<AtomicFile> file, const ImageInfo& info,
                                     const Metadata& metadata, const WriteOptions& options) {
  return std::make_unique<TiffSink>(std::move(file), info, metadata, options);
}

}  // namespace tessera
