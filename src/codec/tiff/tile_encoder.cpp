// SPDX-License-Identifier: Apache-2.0
#include "codec/tiff/tile_encoder.hpp"

#include <fmt/format.h>
#include <tiffio.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>

#include "base/error.hpp"
#include "codec/common/deflate.hpp"
#include "codec/common/effort.hpp"
#include "codec/jpeg/encoder.hpp"
#include "codec/tiff/compression.hpp"

namespace tessera {
namespace {

std::uint16_t samples_of(const PixelFormat& format) {
  return static_cast<std::uint16_t>(format.channels + (format.alpha ? 1 : 0));
}

/// Horizontal differences, in place (TIFF 6.0 section 14).
template <class T>
void predict(std::byte* row, std::size_t count, std::size_t samples_per_pixel) {
  auto* samples = reinterpret_cast<T*>(row);
  for (std::size_t i = count - 1; i >= samples_per_pixel; --i) {
    samples[i] = static_cast<T>(samples[i] - samples[i - samples_per_pixel]);
  }
}

/// A file in memory as libtiff writes it.
struct MemoryFile {
  Bytes bytes;
  std::size_t position = 0;
};

MemoryFile& file_of(thandle_t handle) { return *static_cast<MemoryFile*>(handle); }

tmsize_t write_memory(thandle_t handle, void* from, tmsize_t count) {
  MemoryFile& file = file_of(handle);
  const std::size_t end = file.position + static_cast<std::size_t>(count);
  if (end > file.bytes.size()) {
    file.bytes.resize(end);
  }
  std::memcpy(file.bytes.data() + file.position, from, static_cast<std::size_t>(count));
  file.position = end;
  return count;
}

tmsize_t read_nothing(thandle_t, void*, tmsize_t) { return 0; }

toff_t seek_memory(thandle_t handle, toff_t offset, int whence) {
  MemoryFile& file = file_of(handle);
  file.position = static_cast<std::size_t>(offset) + (whence == SEEK_CUR   ? file.position
                                                      : whence == SEEK_END ? file.bytes.size()
                                                                           : 0);
  return file.position;
}

toff_t size_of_memory(thandle_t handle) { return file_of(handle).bytes.size(); }

int close_nothing(thandle_t) { return 0; }

struct CleanUp {
  void operator()(TIFF* tiff) const { TIFFCleanup(tiff); }  // closes without writing a directory
};
using MemoryTiff = std::unique_ptr<TIFF, CleanUp>;

MemoryTiff open_memory(MemoryFile& file) {
  const auto silent = [](TIFF*, void*, const char*, const char*, va_list) { return 1; };
  const std::unique_ptr<TIFFOpenOptions, decltype(&TIFFOpenOptionsFree)> quietly(TIFFOpenOptionsAlloc(),
                                                                                 &TIFFOpenOptionsFree);
  TIFFOpenOptionsSetErrorHandlerExtR(quietly.get(), silent, nullptr);
  TIFFOpenOptionsSetWarningHandlerExtR(quietly.get(), silent, nullptr);
  return MemoryTiff(TIFFClientOpenExt("tile", "wl", &file, read_nothing, write_memory, seek_memory,
                                      close_nothing, size_of_memory, nullptr, nullptr, quietly.get()));
}

void refuse_format(const PixelFormat& format, std::string_view compression, std::string_view holds) {
  throw Error(ErrorCode::limit_exceeded,
              fmt::format("TIFF with {} compression holds {}, and the result is {}-bit {}{}. Use another "
                          "compression, such as deflate or zstd.",
                          compression, holds, 8 * format.bytes_per_sample(),
                          format.channels == 3 ? "RGB" : "gray", format.alpha ? " with transparency" : ""));
}

}  // namespace

TileEncoder::TileEncoder(const PixelFormat& format, const TiffOptions& options, int quality)
    : format_(format), options_(options), quality_(quality) {
  if (options.compression == TiffCompression::jpeg) {
    if (format.depth != Depth::u8 || format.alpha) {
      refuse_format(format, "JPEG", "8-bit pictures without transparency");
    }
    Bytes blank(static_cast<std::size_t>(options.tile_px) * static_cast<std::size_t>(options.tile_px) *
                samples_of(format));
    std::fill(blank.begin(), blank.end(), std::byte{0});
    static_cast<void>(encode_by_libtiff(blank, &jpeg_tables_));
  }
  if (options.compression == TiffCompression::webp && (format.depth != Depth::u8 || format.channels != 3)) {
    refuse_format(format, "WebP", "8-bit RGB");
  }
}

bool TileEncoder::continues_edges() const {
  return options_.compression == TiffCompression::jpeg || options_.compression == TiffCompression::webp;
}

bool TileEncoder::halves_chroma() const { return jpeg_halves_chroma(format_.channels, quality_); }

Bytes TileEncoder::encode(Bytes& pixels) const {
  switch (options_.compression) {
    case TiffCompression::none:
      return std::move(pixels);
    case TiffCompression::deflate:
      return deflate(pixels);
    case TiffCompression::lzw:
    case TiffCompression::zstd:
    case TiffCompression::jpeg:
    case TiffCompression::webp:
      break;
  }
  return encode_by_libtiff(pixels, nullptr);
}

Bytes TileEncoder::deflate(Bytes& pixels) const {
  const std::size_t samples = samples_of(format_);
  const auto side = static_cast<std::size_t>(options_.tile_px);
  const std::size_t row = pixels.size() / side;
  for (std::size_t y = 0; y < side; ++y) {
    if (format_.depth == Depth::u8) {
      predict<std::uint8_t>(pixels.data() + y * row, side * samples, samples);
    } else {
      predict<std::uint16_t>(pixels.data() + y * row, side * samples, samples);
    }
  }
  return zlib_compress(pixels, options_.level > 0 ? options_.level : fast_deflate_level);
}

/// Of a file in memory that has one tile, the bytes of the tile.
Bytes TileEncoder::encode_by_libtiff(Bytes& pixels, Bytes* jpeg_tables) const {
  MemoryFile file;
  const MemoryTiff tiff = open_memory(file);
  if (!tiff) {
    throw Error(ErrorCode::internal, "libtiff cannot begin a tile.");
  }
  const bool ycbcr = options_.compression == TiffCompression::jpeg && format_.channels == 3;
  for (const ttag_t tag : {TIFFTAG_IMAGEWIDTH, TIFFTAG_IMAGELENGTH, TIFFTAG_TILEWIDTH, TIFFTAG_TILELENGTH}) {
    TIFFSetField(tiff.get(), tag, static_cast<std::uint32_t>(options_.tile_px));
  }
  TIFFSetField(tiff.get(), TIFFTAG_BITSPERSAMPLE, static_cast<std::uint16_t>(8 * format_.bytes_per_sample()));
  TIFFSetField(tiff.get(), TIFFTAG_SAMPLESPERPIXEL, samples_of(format_));
  TIFFSetField(tiff.get(), TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
  TIFFSetField(tiff.get(), TIFFTAG_COMPRESSION, compression_code(options_.compression));
  TIFFSetField(tiff.get(), TIFFTAG_PHOTOMETRIC,
               ycbcr                   ? PHOTOMETRIC_YCBCR
               : format_.channels == 3 ? PHOTOMETRIC_RGB
                                       : PHOTOMETRIC_MINISBLACK);
  if (format_.alpha) {
    const std::uint16_t kind = EXTRASAMPLE_UNASSALPHA;
    TIFFSetField(tiff.get(), TIFFTAG_EXTRASAMPLES, 1, &kind);
  }
  if (has_predictor(options_.compression)) {
    TIFFSetField(tiff.get(), TIFFTAG_PREDICTOR, PREDICTOR_HORIZONTAL);
  }
  if (options_.compression == TiffCompression::zstd) {
    TIFFSetField(tiff.get(), TIFFTAG_ZSTD_LEVEL, options_.level > 0 ? options_.level : fast_zstd_level);
  } else if (options_.compression == TiffCompression::webp) {
    TIFFSetField(tiff.get(), TIFFTAG_WEBP_LEVEL, quality_);
  } else if (options_.compression == TiffCompression::jpeg) {
    TIFFSetField(tiff.get(), TIFFTAG_JPEGQUALITY, quality_);
    if (ycbcr) {
      TIFFSetField(tiff.get(), TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
      const int step = halves_chroma() ? 2 : 1;
      TIFFSetField(tiff.get(), TIFFTAG_YCBCRSUBSAMPLING, step, step);
    }
  }
  const auto count = static_cast<tmsize_t>(pixels.size());
  if (TIFFWriteEncodedTile(tiff.get(), 0, pixels.data(), count) != count) {
    throw Error(ErrorCode::internal, "Compressing a tile of a TIFF failed.");
  }
  if (jpeg_tables != nullptr) {
    std::uint32_t size = 0;
    const void* tables = nullptr;
    if (TIFFGetField(tiff.get(), TIFFTAG_JPEGTABLES, &size, &tables) == 0) {
      throw Error(ErrorCode::internal, "libtiff has no tables for the tiles of a TIFF.");
    }
    const auto* const begin = static_cast<const std::byte*>(tables);
    jpeg_tables->assign(begin, begin + size);
  }
  const auto begin = file.bytes.begin() + static_cast<std::ptrdiff_t>(TIFFGetStrileOffset(tiff.get(), 0));
  return {begin, begin + static_cast<std::ptrdiff_t>(TIFFGetStrileByteCount(tiff.get(), 0))};
}

}  // namespace tessera
