// SPDX-License-Identifier: Apache-2.0
// How results are written, declared once: formats, and the options that a request may set. Command lines, the
// API and its description, messages to ranks and forms come from the tables below.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/json.hpp"

namespace tessera {

/// The formats that are written.
enum class FileFormat : std::uint8_t { png, jpeg, tiff, webp, ome_zarr, deep_zoom };

struct FileFormatInfo {
  FileFormat format;
  std::string_view extension;        ///< the usual one, without a dot; also the format's name in requests
  std::string_view other_extension;  ///< that is understood as well; may be empty
  std::string_view name;             ///< for people: "JPEG"
  std::string_view media_type;
  bool lossy;  ///< heeds OutputOptions::quality
  /// A folder of tiles rather than one file: only the command line writes it, to a local path.
  bool folder = false;
};

/// In order of FileFormat.
inline constexpr std::array all_format_table{
    FileFormatInfo{FileFormat::png, "png", "", "PNG", "image/png", false},
    FileFormatInfo{FileFormat::jpeg, "jpg", "jpeg", "JPEG", "image/jpeg", true},
    FileFormatInfo{FileFormat::tiff, "tif", "tiff", "TIFF", "image/tiff", false},
    FileFormatInfo{FileFormat::webp, "webp", "", "WebP", "image/webp", true},
    FileFormatInfo{FileFormat::ome_zarr, "zarr", "", "OME-Zarr", "", false, true},
    FileFormatInfo{FileFormat::deep_zoom, "dzi", "", "Deep Zoom", "", true, true}};
/// Those that are one file: what the service, the desktop program and the library write.
inline constexpr std::span<const FileFormatInfo> file_format_table = std::span(all_format_table).first(4);
static_assert(!file_format_table.back().folder && all_format_table[file_format_table.size()].folder);

/// Which formats a name may stand for.
enum class FormatKinds : std::uint8_t { files, files_and_folders };

[[nodiscard]] constexpr std::span<const FileFormatInfo> formats_of(FormatKinds kinds) {
  return kinds == FormatKinds::files ? file_format_table : std::span<const FileFormatInfo>(all_format_table);
}
[[nodiscard]] constexpr const FileFormatInfo& format_info(FileFormat format) {
  return all_format_table.at(static_cast<std::size_t>(format));
}
/// The format that a file's extension stands for (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", any
/// case, with or without the dot). Nothing for others.
[[nodiscard]] std::optional<FileFormat> format_from_extension(std::string_view extension,
                                                              FormatKinds kinds = FormatKinds::files);
/// For who writes only files and was asked for `extension`: throws Error(usage), which says why not, if it
/// names a format that is a folder. `where` begins the sentence.
void refuse_folder_format(std::string_view extension, std::string_view where);
/// "png", "jpg", "tif", "webp": also the usual extension.
[[nodiscard]] constexpr std::string_view format_extension(FileFormat format) {
  return format_info(format).extension;
}
/// "png, jpg, tif and webp", for sentences.
[[nodiscard]] std::string known_formats(FormatKinds kinds = FormatKinds::files);

/// What of the metadata stays out of a result. Its colours look right in any case: a profile that is not sRGB
/// stays, and so does the resolution.
enum class Strip : std::uint8_t {
  nothing,
  location,  ///< GPS and names of places, in EXIF, XMP and IPTC
  all,       ///< EXIF, XMP and IPTC
};
/// "", "location" or "all". Throws Error(usage).
[[nodiscard]] Strip parse_strip(std::string_view name);

/// How the tiles of a TIFF are compressed. JPEG and WebP lose detail by `quality`.
enum class TiffCompression : std::uint8_t { none, lzw, deflate, zstd, jpeg, webp };

inline constexpr int min_quality = 1;
inline constexpr int max_quality = 100;
inline constexpr int max_compression_level = 22;
inline constexpr int max_deflate_level = 12;
inline constexpr int default_tile_px = 256;
inline constexpr int min_tile_px = 64;
inline constexpr int max_tile_px = 4096;
inline constexpr int max_page = 1'000'000;
inline constexpr int max_overview = 30;

struct OutputOptions {
  /// Nothing: by the name of the output, else of the input, else PNG.
  std::optional<FileFormat> format = {};
  int quality = 0;  ///< min_quality to max_quality; 0: the format's default
  Strip strip = Strip::nothing;
  /// Of a damaged image, what can be read is used; see ReadOptions::salvage.
  bool salvage = false;
  int page = 0;      ///< of the input, from 1; see ReadOptions::page
  int overview = 0;  ///< of the input; see ReadOptions::overview
  /// Of tiles: of TIFF, and of folders of tiles. Nothing: the format's default.
  std::optional<TiffCompression> compression = {};
  int level = 0;      ///< of deflate and zstd, 1 to max_compression_level; 0: fast
  int tile_size = 0;  ///< side of a tile in pixels, a multiple of 16; 0: default_tile_px
  /// Of TIFF alone, as all below. BigTIFF even where the result may fit the classic form.
  bool bigtiff = false;
  /// Smaller levels too, each half as large, down to one tile; laid out as a Cloud Optimized GeoTIFF.
  bool pyramid = false;
  bool operator==(const OutputOptions&) const = default;
};

/// One member of OutputOptions as requests see it.
struct OutputOptionInfo {
  std::string_view name;  ///< of the member in JSON; of the option, after "--"
  std::string_view doc;
  Json (*schema)();  ///< JSON Schema of the value
  /// `where` begins the sentence of the Error(usage) that is thrown for a value of another kind or range.
  void (*set)(OutputOptions& options, const Json& value, std::string_view where);
  Json (*get)(const OutputOptions& options);  ///< null where it is the default
  /// Goes on where `doc` ends, for who can write folders of tiles.
  std::string_view folder_doc = {};
};

[[nodiscard]] std::span<const OutputOptionInfo> output_option_table();

/// {"format": "jpg", "quality": 90, "strip": true, "salvage": true}, without what is the default.
[[nodiscard]] Json to_json(const OutputOptions& options);
/// Takes what to_json() gives; "strip" may be true, false, "location" or "all". Throws Error(usage), whose
/// sentence begins with `where`, for anything that is unknown or out of its range.
[[nodiscard]] OutputOptions output_options_from_json(const Json& json, std::string_view where = "The output");
/// JSON Schema of that object.
[[nodiscard]] Json output_options_schema();

}  // namespace tessera
