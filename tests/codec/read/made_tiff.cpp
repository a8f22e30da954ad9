// SPDX-License-Identifier: Apache-2.0
#include "made_tiff.hpp"

#include <fmt/format.h>
#include <tiffio.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <stdexcept>

#include "support.hpp"

namespace tessera::test {
namespace {

constexpr std::uint32_t strip_rows = 16;
constexpr std::uint32_t tile_side = 32;

/// A block of the picture as libtiff takes it; what is outside of the picture repeats its last row and column.
std::vector<std::byte> block(const TiffKind& kind, std::int64_t x, std::int64_t y, std::int64_t columns,
                             std::int64_t rows, int plane) {
  std::vector<std::byte> bytes;
  for (std::int64_t row = y; row < y + rows; ++row) {
    for (std::int64_t column = x; column < x + columns; ++column) {
      for (int channel = 0; channel < kind.samples; ++channel) {
        if (kind.planes && channel != plane) {
          continue;
        }
        const std::uint32_t sample =
            made_tiff_sample(kind, std::min<std::int64_t>(column, made_tiff_width - 1),
                             std::min<std::int64_t>(row, made_tiff_height - 1), channel);
        bytes.push_back(static_cast<std::byte>(sample & 255));
        if (kind.bits == 16) {
          bytes.push_back(static_cast<std::byte>(sample >> 8));
        }
      }
    }
  }
  return bytes;
}

void set_tags(TIFF* file, const TiffKind& kind) {
  TIFFSetField(file, TIFFTAG_IMAGEWIDTH, made_tiff_width);
  TIFFSetField(file, TIFFTAG_IMAGELENGTH, made_tiff_height);
  TIFFSetField(file, TIFFTAG_BITSPERSAMPLE, kind.bits);
  TIFFSetField(file, TIFFTAG_SAMPLESPERPIXEL, kind.samples);
  TIFFSetField(file, TIFFTAG_PHOTOMETRIC, kind.samples < 3 ? PHOTOMETRIC_MINISBLACK : PHOTOMETRIC_RGB);
  TIFFSetField(file, TIFFTAG_PLANARCONFIG, kind.planes ? PLANARCONFIG_SEPARATE : PLANARCONFIG_CONTIG);
  TIFFSetField(file, TIFFTAG_COMPRESSION, kind.compression);
  if (kind.samples % 2 == 0) {
    const std::uint16_t alpha = EXTRASAMPLE_UNASSALPHA;
    TIFFSetField(file, TIFFTAG_EXTRASAMPLES, 1, &alpha);
  }
  if (kind.tiled) {
    TIFFSetField(file, TIFFTAG_TILEWIDTH, tile_side);
    TIFFSetField(file, TIFFTAG_TILELENGTH, tile_side);
  } else {
    TIFFSetField(file, TIFFTAG_ROWSPERSTRIP, strip_rows);
  }
}

void write_blocks(TIFF* file, const TiffKind& kind) {
  for (int plane = 0; plane < (kind.planes ? kind.samples : 1); ++plane) {
    const auto in_file = static_cast<std::uint16_t>(plane);
    for (std::uint32_t y = 0; y < made_tiff_height; y += kind.tiled ? tile_side : strip_rows) {
      if (!kind.tiled) {
        std::vector<std::byte> strip =
            block(kind, 0, y, made_tiff_width, std::min(strip_rows, made_tiff_height - y), plane);
        TIFFWriteEncodedStrip(file, TIFFComputeStrip(file, y, in_file), strip.data(), std::ssize(strip));
        continue;
      }
      for (std::uint32_t x = 0; x < made_tiff_width; x += tile_side) {
        std::vector<std::byte> tile = block(kind, x, y, tile_side, tile_side, plane);
        TIFFWriteEncodedTile(file, TIFFComputeTile(file, x, y, 0, in_file), tile.data(), std::ssize(tile));
      }
    }
  }
}

}  // namespace

std::vector<TiffKind> tiff_kinds() {
  std::vector<TiffKind> kinds;
  for (const int compression : {COMPRESSION_NONE, COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE,
                                COMPRESSION_ZSTD, COMPRESSION_PACKBITS}) {
    for (const bool tiled : {false, true}) {
      for (const bool planes : {false, true}) {
        for (const int bits : {8, 16}) {
          for (const int samples : {1, 2, 3, 4}) {
            kinds.push_back({static_cast<std::uint16_t>(compression), tiled, planes,
                             static_cast<std::uint16_t>(bits), static_cast<std::uint16_t>(samples),
                             bits == 16 && samples % 2 == 1});
          }
        }
      }
    }
  }
  return kinds;
}

std::string name_of(const TiffKind& kind) {
  return fmt::format("compression {}, {}, {}, {} samples of {} bits{}", kind.compression,
                     kind.tiled ? "tiles" : "strips", kind.planes ? "planes" : "interleaved", kind.samples,
                     kind.bits, kind.big_endian ? ", big-endian" : "");
}

std::uint32_t made_tiff_sample(const TiffKind& kind, std::int64_t x, std::int64_t y, int channel) {
  // Smooth enough to be compressed, and different in every row and channel.
  const auto value = static_cast<std::uint32_t>(x * 3 + y * 7 + channel * 101 + x * y / 16);
  return kind.bits == 16 ? (value * 41) & 65535 : value & 255;
}

Bytes make_tiff(const TiffKind& kind) {
  std::string name = (std::filesystem::temp_directory_path() / "tessera-made-tiff-XXXXXX").string();
  const int descriptor = ::mkstemp(name.data());
  TIFF* const file = descriptor < 0 ? nullptr : TIFFFdOpen(descriptor, "made", kind.big_endian ? "wb" : "wl");
  if (file == nullptr) {
    throw std::runtime_error("A temporary TIFF cannot be made.");
  }
  set_tags(file, kind);
  write_blocks(file, kind);
  TIFFClose(file);
  Bytes bytes = load_file(name);
  ::unlink(name.c_str());
  return bytes;
}

}  // namespace tessera::test
