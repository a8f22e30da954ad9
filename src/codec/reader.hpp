// SPDX-License-Identifier: Apache-2.0
// Opens images. The content decides how a file is read, never its name; limits are checked on the header,
// before memory is taken; anything that is not one of the known formats is refused by name.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "base/bytes.hpp"
#include "codec/sniff.hpp"
#include "image/stream.hpp"
#include "schema/read_limits.hpp"

namespace tessera {

struct ReadOptions {
  ReadLimits limits = {};
  /// True: of a truncated or corrupt image, what can be read is used, and the rest is blank (black and
  /// opaque, or a decoder's own gray); Source::warnings() says which rows. The header must still be sound,
  /// and at least one row readable. False: damage is an Error(damaged_input).
  bool salvage = false;
  /// Of a TIFF, the full-size picture to read, from 1. 0: the first, with a warning if there are more.
  int page = 0;
  /// Of a TIFF, which of the page's smaller levels to read: 1 is the first in the file, usually the largest. 0: the
  /// page itself.
  int overview = 0;
  /// False: profile, EXIF and XMP are left behind (the orientation is honoured all the same).
  bool keep_metadata = true;
};

/// Opens the image in a file.
///
/// Pixels: 8 or 16 bits a sample, gray or RGB, alpha a plane of its own and not premultiplied. Fewer bits are
/// scaled to 8 over the full range, palettes looked up. Numbers stay as they are and keep their ICC profile,
/// except CMYK, YCCK and Lab, which become sRGB by the embedded profile or a default one. Of animations and
/// multi-page files the first full-size picture is read, and Source::warnings() says so, unless the options choose
/// another, which only TIFFs have: Error(usage) for others, and for what there is not. EXIF orientation is
/// applied.
///
/// Memory: rows stream (a few rows are held) for PNG, JPEG, TIFF, BMP and PNM. The whole image is held from
/// the first read_rows on for interlaced PNG, progressive JPEG (its coefficients), WebP, GIF, HEIF, AVIF,
/// run-length BMP, and for orientations that turn rows into columns, or that start at the bottom row where
/// the format cannot be read in any order; see ReadLimits::max_buffered_bytes.
///
/// random_access() is true for binary PNM, uncompressed BMP, and TIFF of plain gray or RGB whose strips or
/// tiles are small or uncompressed.
///
/// Throws Error: not_found, io, unsupported_input, damaged_input, limit_exceeded. The file must not change
/// while it is read.
[[nodiscard]] std::unique_ptr<Source> open_image(const std::filesystem::path& path,
                                                 const ReadOptions& options = {});

/// Opens an image held in memory. `name` is what sentences call it, such as "'standard input'".
[[nodiscard]] std::unique_ptr<Source> open_image(Bytes bytes, const ReadOptions& options = {},
                                                 std::string name = "the input");

/// The same for bytes that the caller keeps for as long as the source lives.
[[nodiscard]] std::unique_ptr<Source> open_image(std::span<const std::byte> bytes,
                                                 const ReadOptions& options = {},
                                                 std::string name = "the input");

}  // namespace tessera
