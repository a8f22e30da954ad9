// SPDX-License-Identifier: Apache-2.0
#include "schema/output_options.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"

namespace tessera {
namespace {

constexpr std::size_t max_quoted_bytes = 100;
constexpr int tile_step_px = 16;  // TIFF 6.0 section 15

std::vector<std::string_view> format_names() {
  std::vector<std::string_view> names;
  for (const FileFormatInfo& info : file_format_table) {
    names.push_back(info.extension);
    if (!info.other_extension.empty()) {
      names.push_back(info.other_extension);
    }
  }
  return names;
}

constexpr std::string_view why_no_file =
    "is a folder of many files, and only 'tessera apply' and 'tessera convert' write those, to a local path";

[[noreturn]] void refuse(std::string_view where, std::string_view name, const Json& value,
                         std::string_view expected) {
  throw Error(
      ErrorCode::usage,
      fmt::format("{}: '{}' is {}; {}.", where, name,
                  value.dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, max_quoted_bytes),
                  expected));
}

Json format_schema() { return {{"type", "string"}, {"enum", format_names()}}; }
void set_format(OutputOptions& options, const Json& value, std::string_view where) {
  if (value.is_string()) {
    refuse_folder_format(value.get_ref<const std::string&>(), fmt::format("{}: 'format'", where));
  }
  options.format = value.is_string() ? format_from_extension(value.get<std::string>()) : std::nullopt;
  if (!options.format || value.get_ref<const std::string&>().starts_with('.')) {
    refuse(where, "format", value, fmt::format("there are: {}", fmt::join(format_names(), ", ")));
  }
}
Json get_format(const OutputOptions& options) {
  return options.format ? Json(std::string(format_extension(*options.format))) : Json();
}

Json whole_number_schema(int min, int max) {
  return {{"type", "integer"}, {"minimum", min}, {"maximum", max}};
}
int whole_number(std::string_view where, std::string_view name, const Json& value, int min, int max) {
  if (!value.is_number_integer() || value < min || value > max) {
    refuse(where, name, value, fmt::format("it must be a whole number from {} to {}", min, max));
  }
  return value.get<int>();
}

Json boolean_schema() { return {{"type", "boolean"}}; }
bool yes_or_no(std::string_view where, std::string_view name, const Json& value) {
  if (!value.is_boolean()) {
    refuse(where, name, value, "it must be true or false");
  }
  return value.get<bool>();
}

Json quality_schema() { return whole_number_schema(min_quality, max_quality); }
void set_quality(OutputOptions& options, const Json& value, std::string_view where) {
  options.quality = whole_number(where, "quality", value, min_quality, max_quality);
}
Json get_quality(const OutputOptions& options) {
  return options.quality > 0 ? Json(options.quality) : Json();
}

std::optional<Strip> strip_named(std::string_view name) {
  if (name == "location") {
    return Strip::location;
  }
  if (name == "all") {
    return Strip::all;
  }
  return std::nullopt;
}

Json strip_schema() { return {{"enum", {true, false, "location", "all"}}}; }
void set_strip(OutputOptions& options, const Json& value, std::string_view where) {
  const auto named = value.is_string() ? strip_named(value.get_ref<const std::string&>()) : std::nullopt;
  if (value.is_boolean()) {
    options.strip = value.get<bool>() ? Strip::all : Strip::nothing;
  } else if (named) {
    options.strip = *named;
  } else {
    refuse(where, "strip", value, "it must be true, false, \"location\" or \"all\"");
  }
}
Json get_strip(const OutputOptions& options) {
  switch (options.strip) {
    case Strip::nothing:
      return {};
    case Strip::location:
      return "location";
    case Strip::all:
      return true;
  }
  return {};
}

void set_salvage(OutputOptions& options, const Json& value, std::string_view where) {
  options.salvage = yes_or_no(where, "salvage", value);
}
Json get_salvage(const OutputOptions& options) { return options.salvage ? Json(true) : Json(); }

Json page_schema() { return whole_number_schema(1, max_page); }
void set_page(OutputOptions& options, const Json& value, std::string_view where) {
  options.page = whole_number(where, "page", value, 1, max_page);
}
Json get_page(const OutputOptions& options) { return options.page > 0 ? Json(options.page) : Json(); }

Json overview_schema() { return whole_number_schema(1, max_overview); }
void set_overview(OutputOptions& options, const Json& value, std::string_view where) {
  options.overview = whole_number(where, "overview", value, 1, max_overview);
}
Json get_overview(const OutputOptions& options) {
  return options.overview > 0 ? Json(options.overview) : Json();
}

constexpr std::array compression_names{
    std::pair{"none", TiffCompression::none},       std::pair{"lzw", TiffCompression::lzw},
    std::pair{"deflate", TiffCompression::deflate}, std::pair{"zstd", TiffCompression::zstd},
    std::pair{"jpeg", TiffCompression::jpeg},       std::pair{"webp", TiffCompression::webp}};

Json compression_schema() {
  Json names = Json::array();
  for (const auto& [name, compression] : compression_names) {
    names.push_back(name);
  }
  return {{"type", "string"}, {"enum", std::move(names)}};
}
void set_compression(OutputOptions& options, const Json& value, std::string_view where) {
  for (const auto& [name, compression] : compression_names) {
    if (value == name) {
      options.compression = compression;
      return;
    }
  }
  refuse(where, "compression", value, "there are: none, lzw, deflate, zstd, jpeg, webp");
}
Json get_compression(const OutputOptions& options) {
  return options.compression
             ? Json(compression_names.at(static_cast<std::size_t>(*options.compression)).first)
             : Json();
}

Json level_schema() { return whole_number_schema(1, max_compression_level); }
void set_level(OutputOptions& options, const Json& value, std::string_view where) {
  options.level = whole_number(where, "level", value, 1, max_compression_level);
}
Json get_level(const OutputOptions& options) { return options.level > 0 ? Json(options.level) : Json(); }

Json tile_schema() {
  Json schema = whole_number_schema(min_tile_px, max_tile_px);
  schema["multipleOf"] = tile_step_px;
  return schema;
}
void set_tile(OutputOptions& options, const Json& value, std::string_view where) {
  const int side = whole_number(where, "tile", value, min_tile_px, max_tile_px);
  if (side % tile_step_px != 0) {
    refuse(where, "tile", value, fmt::format("it must be a multiple of {}", tile_step_px));
  }
  options.tile_size = side;
}
Json get_tile(const OutputOptions& options) {
  return options.tile_size > 0 ? Json(options.tile_size) : Json();
}

void set_bigtiff(OutputOptions& options, const Json& value, std::string_view where) {
  options.bigtiff = yes_or_no(where, "bigtiff", value);
}
Json get_bigtiff(const OutputOptions& options) { return options.bigtiff ? Json(true) : Json(); }

void set_pyramid(OutputOptions& options, const Json& value, std::string_view where) {
  options.pyramid = yes_or_no(where, "pyramid", value);
}
Json get_pyramid(const OutputOptions& options) { return options.pyramid ? Json(true) : Json(); }

constexpr std::array option_table{
    OutputOptionInfo{"format", "Format of the result (default: by the name of the output)", format_schema,
                     set_format, get_format, "; zarr and dzi are folders of tiles"},
    OutputOptionInfo{"quality", "Quality of lossy formats, 1 to 100", quality_schema, set_quality,
                     get_quality},
    OutputOptionInfo{"strip",
                     "Leave EXIF, XMP and IPTC out of the result, or, with 'location', only GPS and names "
                     "of places. Colours stay right: a profile other than sRGB is kept",
                     strip_schema, set_strip, get_strip},
    OutputOptionInfo{"salvage", "Use what can be read of damaged images", boolean_schema, set_salvage,
                     get_salvage},
    OutputOptionInfo{"page", "Read that page of a TIFF, from 1 (default: the first)", page_schema, set_page,
                     get_page},
    OutputOptionInfo{"overview",
                     "Read a smaller level of a TIFF that has some: 1 for the largest of them (default: the "
                     "picture itself)",
                     overview_schema, set_overview, get_overview},
    OutputOptionInfo{
        "compression", "How tiles of a TIFF are compressed (default: deflate)", compression_schema,
        set_compression, get_compression,
        ", of OME-Zarr (zstd, deflate, none; default: zstd) and Deep Zoom (jpeg, or deflate for PNG "
        "tiles; default: jpeg)"},
    OutputOptionInfo{"level", "Effort of deflate, 1 to 12, or zstd, 1 to 22, in a TIFF (default: fast)",
                     level_schema, set_level, get_level, ", in OME-Zarr and in PNG tiles"},
    OutputOptionInfo{"tile", "Side of the tiles of a TIFF in pixels, a multiple of 16 (default: 256)",
                     tile_schema, set_tile, get_tile, ", and of folders of tiles"},
    OutputOptionInfo{"bigtiff", "Write BigTIFF even where a classic TIFF would do", boolean_schema,
                     set_bigtiff, get_bigtiff},
    OutputOptionInfo{"pyramid", "Write a TIFF with smaller levels too, as a Cloud Optimized GeoTIFF (COG)",
                     boolean_schema, set_pyramid, get_pyramid}};

}  // namespace

std::optional<FileFormat> format_from_extension(std::string_view extension, FormatKinds kinds) {
  const std::string name =
      ascii_lowered(std::string(extension.starts_with('.') ? extension.substr(1) : extension));
  const std::span<const FileFormatInfo> formats = formats_of(kinds);
  const auto found = std::ranges::find_if(formats, [&](const FileFormatInfo& info) {
    return !name.empty() && (info.extension == name || info.other_extension == name);
  });
  return found == formats.end() ? std::nullopt : std::optional(found->format);
}

void refuse_folder_format(std::string_view extension, std::string_view where) {
  const auto format = format_from_extension(extension, FormatKinds::files_and_folders);
  if (format && format_info(*format).folder) {
    throw Error(ErrorCode::usage,
                fmt::format("{} is '{}': {} {}. Choose one of {}.", where, format_extension(*format),
                            format_info(*format).name, why_no_file, known_formats()));
  }
}

std::string known_formats(FormatKinds kinds) {
  const std::span<const FileFormatInfo> formats = formats_of(kinds);
  std::string text;
  for (const FileFormatInfo& info : formats) {
    const bool last = &info == &formats.back();
    text += fmt::format("{}{}", text.empty() ? "" : last ? " and " : ", ", info.extension);
  }
  return text;
}

Strip parse_strip(std::string_view name) {
  if (name.empty()) {
    return Strip::nothing;
  }
  if (const auto named = strip_named(name)) {
    return *named;
  }
  throw Error(ErrorCode::usage, fmt::format("strip: '{}' is unknown; there are location and all.", name));
}

std::span<const OutputOptionInfo> output_option_table() { return option_table; }

Json to_json(const OutputOptions& options) {
  Json json = Json::object();
  for (const OutputOptionInfo& info : option_table) {
    if (Json value = info.get(options); !value.is_null()) {
      json[std::string(info.name)] = std::move(value);
    }
  }
  return json;
}

OutputOptions output_options_from_json(const Json& json, std::string_view where) {
  if (!json.is_object()) {
    throw Error(ErrorCode::usage, fmt::format("{} must be a JSON object.", where));
  }
  OutputOptions options;
  for (const auto& [name, value] : json.items()) {
    const auto* const found = std::ranges::find(option_table, name, &OutputOptionInfo::name);
    if (found == option_table.end()) {
      std::vector<std::string_view> names;
      std::ranges::transform(option_table, std::back_inserter(names), &OutputOptionInfo::name);
      throw Error(ErrorCode::usage, fmt::format("{} has no field '{}'; there are: {}.", where,
                                                name.substr(0, max_quoted_bytes), fmt::join(names, ", ")));
    }
    found->set(options, value, where);
  }
  return options;
}

Json output_options_schema() {
  Json properties = Json::object();
  for (const OutputOptionInfo& info : option_table) {
    Json schema{{"description", fmt::format("{}.", info.doc)}};
    schema.update(info.schema());
    properties[std::string(info.name)] = std::move(schema);
  }
  return {{"type", "object"},
          {"description", "How the result is written; without a format as the input, or as PNG."},
          {"properties", std::move(properties)},
          {"additionalProperties", false}};
}

}  // namespace tessera
