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
  bool tiled = false;
  std::uint32_t tile_width = 0;
  std::uint32_t unit_rows = 0;  ///< of a strip or a tile
  [[nodiscard]] std::int64_t row_bytes() const { return (std::int64_t{width} * samples * bits + 7) / 8; }
};

class TiffFile {
 public:
  /// Throws Error: damaged_input, io.
  explicit TiffFile(std::shared_ptr<const Input> input);
  TiffFile(const TiffFile&) = delete;
  TiffFile& operator=(const TiffFile&) = delete;
  ~TiffFile();

  [[nodiscard]] TIFF* get() const { return file_; }
  [[nodiscard]] const Input& input() const { return *input_; }
  [[nodiscard]] TiffLayout layout() const;
  /// ICC, XMP and resolution.
  [[nodiscard]] Metadata metadata(const ReadLimits& limits) const;
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
