// SPDX-License-Identifier: Apache-2.0
// A TIFF opened by libtiff over an Input, with the tags that decide how it is read.
#pragma once

#include <tiffio.h>

#include <cstdint>
#include <exception>
#include <memory>
#include <string>

#include "codec/common/header.hpp"

namespace tessera {

struct TiffLayout {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  std::uint16_t bits = 1;
  std::uint16_t samples = 1;
  std::uint16_t sample_format = SAMPLEFORMAT_UINT;
  std::uint16_t photometric = PHOTOMETRIC_MINISBLACK;
  std::uint16_t planar = PLANARCONFIG_CONTIG;
  std::uint16_t compression = COMPRESSION_NONE;
  std::uint16_t fill_order = FILLORDER_MSB2LSB;
  std::uint16_t orientation = ORIENTATION_TOPLEFT;
  std::uint16_t extra_sample = EXTRASAMPLE_UNSPECIFIED;  ///< kind of the first one
  bool says_extra_sample = false;                        ///< whether the file says what kind it is
  bool says_photometric = false;
  bool jpeg_to_rgb = false;  ///< the JPEG library makes RGB of the file's YCbCr
  bool tiled = false;
  std::uint32_t tile_width = 0;
  std::uint32_t unit_rows = 0;  ///< of a strip or a tile
  [[nodiscard]] std::int64_t row_bytes() const { return (std::int64_t{width} * samples * bits + 7) / 8; }
  /// Separate ones; 1 where samples are interleaved.
  [[nodiscard]] int planes() const { return planar == PLANARCONFIG_SEPARATE ? samples : 1; }
  /// In a row; 1 for strips.
  [[nodiscard]] std::int64_t tiles_across() const {
    return tiled ? (std::int64_t{width} + tile_width - 1) / tile_width : 1;
  }
  /// libtiff's number of a strip, or of a tile, in row of tiles `unit`, plane `plane` and column of tiles `column`.
  [[nodiscard]] std::uint32_t strile(std::int64_t unit, int plane, std::int64_t column) const {
    return static_cast<std::uint32_t>((plane * units_of({0, height}).end + unit) * tiles_across() + column);
  }
  /// The strips, or rows of tiles, that hold these rows.
  [[nodiscard]] Interval units_of(const Interval& rows) const {
    return {rows.begin / unit_rows, (rows.end + unit_rows - 1) / unit_rows};
  }
};

class TiffFile {
 public:
  /// Where the strips and tiles are: known for all of them, or looked up when one is asked for.
  enum class Index : std::uint8_t { loaded, on_demand };
  /// Throws Error: damaged_input, io.
  explicit TiffFile(std::shared_ptr<const Input> input, Index index = Index::loaded);
  TiffFile(const TiffFile&) = delete;
  TiffFile& operator=(const TiffFile&) = delete;
  ~TiffFile();

  [[nodiscard]] TIFF* get() const { return file_; }
  [[nodiscard]] const Input& input() const { return *input_; }
  [[nodiscard]] const std::shared_ptr<const Input>& shared_input() const { return input_; }
  [[nodiscard]] TiffLayout layout() const;
  /// Makes it unpack as the layout says.
  void prepare(const TiffLayout& layout) const;
  /// Where a strip or tile is stored; `place` is what a sentence calls it. Throws Error(damaged_input) if that is not
  /// in the file.
  [[nodiscard]] ByteSpan stored(std::uint32_t strile, const std::string& place) const;
  /// Fills `to`. Throws Error: damaged_input, io.
  void read_stored(const ByteSpan& span, std::span<std::byte> to, const std::string& place) const;
  /// ICC, XMP and resolution.
  [[nodiscard]] Metadata metadata(const ReadLimits& limits) const;
  /// Announces strips or rows of tiles `units`, of all planes, to the input: see Input::read_ahead().
  void read_ahead(const TiffLayout& layout, const Interval& units, std::int64_t max_bytes) const;
  /// What libtiff said first, as an Error: damaged_input, unsupported_input or limit_exceeded. Rethrows what
  /// the Input threw.
  [[nodiscard]] Error error(const std::string& place) const;

 private:
  std::shared_ptr<const Input> input_;
  std::int64_t position_ = 0;
  std::string message_;
  std::exception_ptr failure_;
  TIFF* file_ = nullptr;

  static tmsize_t read(thandle_t self, void* to, tmsize_t bytes);
  static toff_t seek(thandle_t self, toff_t offset, int whence);
  static int note_error(TIFF*, void* self, const char* module, const char* format, va_list arguments);
};

}  // namespace tessera
