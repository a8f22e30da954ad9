// SPDX-License-Identifier: Apache-2.0
#include "made_tiff.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "support.hpp"

namespace tessera::test {
namespace {

/// Samples `first` to `end` of `columns` pixels, packed.
Bytes packed_row(const TiffKind& kind, std::uint32_t x0, std::uint32_t columns, std::uint32_t y, int first,
                 int end) {
  Bytes row;
  std::uint32_t bits = 0;
  int count = 0;
  for (std::uint32_t x = x0; x < x0 + columns; ++x) {
    for (int s = first; s < end; ++s) {
      const auto value =
          static_cast<std::uint32_t>(x < tiff_width && y < tiff_height ? sample_at(kind, x, y, s) : 0);
      if (kind.bits == 16) {
        row.push_back(static_cast<std::byte>(value & 255));
        row.push_back(static_cast<std::byte>(value >> 8));
        continue;
      }
      bits = bits << kind.bits | value;
      count += kind.bits;
      if (count >= 8) {
        row.push_back(static_cast<std::byte>(bits >> (count - 8) & 255));
        count -= 8;
      }
    }
  }
  if (count > 0) {
    row.push_back(static_cast<std::byte>(bits << (8 - count) & 255));
  }
  return row;
}

}  // namespace

TemporaryFile::TemporaryFile() {
  std::string name = (std::filesystem::temp_directory_path() / "tessera-kinds-XXXXXX").string();
  const int descriptor = mkstemp(name.data());
  EXPECT_GE(descriptor, 0);
  close(descriptor);
  path_ = name;
}

TemporaryFile::~TemporaryFile() { std::filesystem::remove(path_); }

int sample_at(const TiffKind& kind, std::uint32_t x, std::uint32_t y, int s) {
  const auto value = (x * 7919 + y * 104729 + static_cast<std::uint32_t>(s) * 1299709) * 2654435761U;
  return static_cast<int>(value >> (32 - kind.bits));
}

void write_page(TIFF* tiff, const TiffKind& kind) {
  TIFFSetField(tiff, TIFFTAG_SUBFILETYPE, kind.subfile);
  TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, tiff_width);
  TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, tiff_height);
  TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, kind.bits);
  TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, kind.samples);
  TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, kind.planes ? PLANARCONFIG_SEPARATE : PLANARCONFIG_CONTIG);
  TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, kind.photometric);
  TIFFSetField(tiff, TIFFTAG_COMPRESSION, kind.compression);
  if (kind.samples % 2 == 0) {
    TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, 1, &kind.extra);
  }
  if (kind.tiled) {
    TIFFSetField(tiff, TIFFTAG_TILEWIDTH, tile_side);
    TIFFSetField(tiff, TIFFTAG_TILELENGTH, tile_side);
  } else {
    TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, kind.strip_rows);
  }
  const int planes = kind.planes ? kind.samples : 1;
  for (int plane = 0; plane < planes; ++plane) {
    const int first = kind.planes ? plane : 0;
    const int end = kind.planes ? plane + 1 : kind.samples;
    const std::uint32_t unit_rows = kind.tiled ? tile_side : kind.strip_rows;
    for (std::uint32_t y = 0; y < tiff_height; y += unit_rows) {
      for (std::uint32_t x = 0; x < (kind.tiled ? tiff_width : 1); x += tile_side) {
        Bytes unit;
        const std::uint32_t rows = kind.tiled ? unit_rows : std::min(unit_rows, tiff_height - y);
        for (std::uint32_t row = y; row < y + rows; ++row) {
          const Bytes part = packed_row(kind, x, kind.tiled ? tile_side : tiff_width, row, first, end);
          unit.insert(unit.end(), part.begin(), part.end());
        }
        const auto size = static_cast<tmsize_t>(unit.size());
        const auto sample = static_cast<std::uint16_t>(plane);
        if (kind.tiled) {
          ASSERT_EQ(TIFFWriteEncodedTile(tiff, TIFFComputeTile(tiff, x, y, 0, sample), unit.data(), size),
                    size);
        } else {
          ASSERT_EQ(TIFFWriteEncodedStrip(tiff, TIFFComputeStrip(tiff, y, sample), unit.data(), size), size);
        }
      }
    }
  }
  ASSERT_EQ(TIFFWriteDirectory(tiff), 1);
}

Bytes make_tiff(const std::vector<TiffKind>& pages, const char* mode) {
  const TemporaryFile file;
  TIFF* const tiff = TIFFOpen(file.path().c_str(), mode);
  for (const TiffKind& page : pages) {
    write_page(tiff, page);
  }
  TIFFClose(tiff);
  return load_file(file.path());
}

std::vector<TiffKind> tiff_kinds() {
  std::vector<TiffKind> kinds;
  for (const int samples : {1, 2, 3, 4}) {
    for (const int bits : {1, 2, 4, 8, 16}) {
      for (const bool planes : {false, true}) {
        for (const bool tiled : {false, true}) {
          for (const int compression : {COMPRESSION_NONE, COMPRESSION_LZW}) {
            for (const std::uint32_t strip_rows : {1U, 3U, tiff_height}) {
              kinds.push_back({.samples = samples,
                               .bits = bits,
                               .planes = planes,
                               .tiled = tiled,
                               .compression = static_cast<std::uint16_t>(compression),
                               .photometric = static_cast<std::uint16_t>(
                                   samples >= 3 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK),
                               .strip_rows = strip_rows});
            }
          }
        }
      }
    }
  }
  return kinds;
}

std::string name_of(const TiffKind& kind) {
  return fmt::format("{} samples of {} bits{}{}, compression {}, strips of {}", kind.samples, kind.bits,
                     kind.planes ? " in planes" : "", kind.tiled ? ", tiled" : "", kind.compression,
                     kind.strip_rows);
}

}  // namespace tessera::test
