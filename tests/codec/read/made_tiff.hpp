// SPDX-License-Identifier: Apache-2.0
// TIFFs of every kind that is read without libvips, made by libtiff, with samples known beforehand.
#pragma once

#include <tiffio.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/bytes.hpp"

namespace tessera::test {

class TemporaryFile {
 public:
  TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile();
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

struct TiffKind {
  int samples = 3;
  int bits = 8;
  bool planes = false;
  bool tiled = false;
  std::uint16_t compression = COMPRESSION_NONE;
  std::uint16_t photometric = PHOTOMETRIC_RGB;
  std::uint16_t extra = EXTRASAMPLE_UNASSALPHA;
  std::uint32_t strip_rows = 3;
  std::uint32_t subfile = 0;
};

constexpr std::uint32_t tiff_width = 37;
constexpr std::uint32_t tiff_height = 41;
constexpr std::uint32_t tile_side = 16;

[[nodiscard]] int sample_at(const TiffKind& kind, std::uint32_t x, std::uint32_t y, int s);

/// Adds a page to a file.
void write_page(TIFF* tiff, const TiffKind& kind);

/// The bytes of a file with these pages; `mode` as of TIFFOpen().
[[nodiscard]] Bytes make_tiff(const std::vector<TiffKind>& pages, const char* mode = "wl");

/// Numbers of samples and bits, layouts, and compression or none, in every combination.
[[nodiscard]] std::vector<TiffKind> tiff_kinds();
[[nodiscard]] std::string name_of(const TiffKind& kind);

}  // namespace tessera::test
