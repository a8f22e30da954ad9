// SPDX-License-Identifier: Apache-2.0
// An EXIF block as directories of tags. A block is parsed, edited and written anew, so that what no tag
// refers to any more (the thumbnail of another picture, a place that was removed) is not in the result.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.hpp"

namespace tessera {

struct ExifTag {
  std::uint16_t tag = 0;
  std::uint16_t type = 0;  ///< as in TIFF: 2 is ASCII, 3 SHORT, 4 LONG, 5 RATIONAL
  std::uint64_t count = 0;
  Bytes value;  ///< in the block's byte order
};

using ExifDirectory = std::vector<ExifTag>;

struct ExifBlock {
  bool big_endian = false;
  ExifDirectory main;              ///< IFD0: camera, author, resolution
  ExifDirectory camera;            ///< the EXIF directory: exposure, dates, dimensions
  ExifDirectory location;          ///< the GPS directory
  ExifDirectory interoperability;  ///< belongs to `camera`
  /// Offset of the maker note, whose makers count offsets from the block's begin; 0: none, or anywhere.
  std::uint64_t maker_note_at = 0;
  bool damaged = false;  ///< tags were left out because their values lie outside the block

  [[nodiscard]] bool empty() const {
    return main.empty() && camera.empty() && location.empty() && interoperability.empty();
  }
};

namespace exif_tag {
inline constexpr std::uint16_t image_width = 0x0100;
inline constexpr std::uint16_t image_height = 0x0101;
inline constexpr std::uint16_t orientation = 0x0112;
inline constexpr std::uint16_t resolution_x = 0x011A;
inline constexpr std::uint16_t resolution_y = 0x011B;
inline constexpr std::uint16_t resolution_unit = 0x0128;
inline constexpr std::uint16_t xmp = 0x02BC;
inline constexpr std::uint16_t iptc = 0x83BB;
inline constexpr std::uint16_t photoshop = 0x8649;
inline constexpr std::uint16_t icc = 0x8773;
inline constexpr std::uint16_t camera_directory = 0x8769;
inline constexpr std::uint16_t location_directory = 0x8825;
inline constexpr std::uint16_t maker_note = 0x927C;
inline constexpr std::uint16_t interoperability_directory = 0xA005;
inline constexpr std::uint16_t pixel_width = 0xA002;
inline constexpr std::uint16_t pixel_height = 0xA003;
}  // namespace exif_tag

/// A file of tags (TIFF, BigTIFF, EXIF block) that is read in parts.
struct TagFile {
  std::uint64_t bytes = 0;
  /// Fills `to` from `at` on; false where that reaches beyond the end.
  std::function<bool(std::uint64_t at, std::span<std::byte> to)> read;
  /// Values of more than this many bytes together are left out as damaged.
  std::uint64_t max_value_bytes = 0;
};

/// Whether a tag of the first directory is wanted; the values of others are not read.
using WantsTag = std::function<bool(std::uint16_t tag)>;

/// The first directory of a file of tags and the EXIF directories it points to; BigTIFF too. Nothing if it is
/// no such file.
[[nodiscard]] std::optional<ExifBlock> parse_tags(const TagFile& file, const WantsTag& wants);

/// Where the block begins in what files have for EXIF: behind "Exif\\0\\0", a JPEG marker or HEIF's offset,
/// or at its begin. Empty if there is none.
[[nodiscard]] std::span<const std::byte> find_exif(std::span<const std::byte> stored);

/// Of an EXIF block, everything but what describes how pixels of a TIFF file, or of a thumbnail, are stored.
[[nodiscard]] std::optional<ExifBlock> parse_exif(std::span<const std::byte> stored);

/// The block in its own byte order, the maker note where it was.
[[nodiscard]] Bytes serialize_exif(const ExifBlock& block);

/// The camera and location directories as they stand at `begin` in a little-endian TIFF, and their offsets
/// there (0: empty).
struct TiffDirectories {
  Bytes bytes;
  std::uint64_t camera_at = 0;
  std::uint64_t location_at = 0;
};
[[nodiscard]] TiffDirectories serialize_for_tiff(const ExifBlock& block, std::uint64_t begin, bool big_tiff);

[[nodiscard]] const ExifTag* find_tag(const ExifDirectory& directory, std::uint16_t tag);
/// A whole number of a tag (BYTE, SHORT, LONG); nothing for other types.
[[nodiscard]] std::optional<std::uint32_t> whole_number(const ExifBlock& block, const ExifTag* tag);
/// A RATIONAL; 0 for other types and divisions by zero.
[[nodiscard]] double rational(const ExifBlock& block, const ExifTag* tag);
void remove_tag(ExifDirectory& directory, std::uint16_t tag);
void set_short(const ExifBlock& block, ExifDirectory& directory, std::uint16_t tag, std::uint16_t value);
void set_long(const ExifBlock& block, ExifDirectory& directory, std::uint16_t tag, std::uint32_t value);
void set_rational(const ExifBlock& block, ExifDirectory& directory, std::uint16_t tag, double value);

}  // namespace tessera
