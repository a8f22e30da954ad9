// SPDX-License-Identifier: Apache-2.0
#include "codec/tiff/tags.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>

#include "codec/metadata/iptc.hpp"

namespace tessera {
namespace {

/// Of the first directory, what describes the picture and not how it is stored.
constexpr std::array<std::uint16_t, 19> carried{0x010D,
                                                0x010E,
                                                0x010F,
                                                0x0110,
                                                0x011D,
                                                0x0131,
                                                0x0132,
                                                0x013B,
                                                0x013C,
                                                0x4746,
                                                0x4749,
                                                0x8298,
                                                0x9C9B,
                                                0x9C9C,
                                                0x9C9D,
                                                0x9C9E,
                                                0x9C9F,
                                                exif_tag::camera_directory,
                                                exif_tag::location_directory};

/// How pixels are stored, or what is read elsewhere (profile, XMP, resolution, orientation): nothing is lost.
bool is_understood(std::uint16_t tag) {
  constexpr std::array<std::uint16_t, 9> others{0x0152, 0x0153,        0x015B,        0x0211, 0x0212,
                                                0x0213, exif_tag::xmp, exif_tag::icc, 0x0214};
  constexpr std::uint16_t last_of_structure = 0x0132;
  const bool structure = (tag >= 0x00FE && tag <= last_of_structure && tag != 0x012D) || tag == 0x013D ||
                         (tag >= 0x0140 && tag <= 0x0145) || (tag >= 0x0146 && tag <= 0x0148) ||
                         (tag >= 0x014C && tag <= 0x0155) || (tag >= 0x0200 && tag <= 0x0209);
  return structure || std::find(others.begin(), others.end(), tag) != others.end();
}

struct NamedTag {
  std::uint16_t tag;
  const char* name;
};
constexpr NamedTag named[] = {{0x012D, "TransferFunction"},
                              {0x013E, "WhitePoint"},
                              {0x013F, "PrimaryChromaticities"},
                              {0x014A, "SubIFDs (further pictures)"},
                              {0x830E, "GeoTIFF keys"},
                              {0x8482, "GeoTIFF keys"},
                              {0x85D8, "GeoTIFF keys"},
                              {0x87AF, "GeoTIFF keys"},
                              {0x87B0, "GeoTIFF keys"},
                              {0x87B1, "GeoTIFF keys"},
                              {0xA480, "GDAL metadata"},
                              {0xA481, "GDAL nodata"},
                              {0x8649, "Photoshop resources"},
                              {0x935C, "Photoshop layers"},
                              {0xC612, "DNG"},
                              {0xC696, "ImageJ metadata"},
                              {0xC697, "ImageJ metadata"}};

std::string name_of(std::uint16_t tag) {
  for (const NamedTag& one : named) {
    if (one.tag == tag) {
      return one.name;
    }
  }
  return {};
}

// "GeoTIFF keys (3), 65000, 65001 and 4 more"
std::string list_of(const std::set<std::uint16_t>& tags) {
  constexpr std::size_t max_named = 8;
  std::vector<std::string> names;
  std::size_t shown = 0;
  for (const std::uint16_t tag : tags) {
    const std::string name = name_of(tag);
    const std::string text = name.empty() ? fmt::to_string(tag) : name;
    if (std::find(names.begin(), names.end(), text) != names.end()) {
      ++shown;
    } else if (names.size() < max_named) {
      names.push_back(text);
      ++shown;
    }
  }
  const std::string list = fmt::format("{}", fmt::join(names, ", "));
  return shown < tags.size() ? fmt::format("{} and {} more", list, tags.size() - shown) : list;
}

// A description that programs write of the file's pages and dimensions, which is not true of the result.
std::string description_of_file(const ExifTag& description) {
  const std::string_view text(reinterpret_cast<const char*>(description.value.data()),
                              description.value.size());
  if (text.find("<OME ") != std::string_view::npos) {
    return "OME-XML";
  }
  if (text.starts_with("{\"shape\"")) {
    return "tifffile";
  }
  return text.starts_with("ImageJ=") ? "ImageJ" : "";
}

}  // namespace

TiffTags read_tiff_tags(const Input& input, const ReadLimits& limits) {
  TagFile file;
  file.bytes = static_cast<std::uint64_t>(input.size());
  file.max_value_bytes = static_cast<std::uint64_t>(limits.max_metadata_bytes);
  file.read = [&input](std::uint64_t at, std::span<std::byte> to) {
    return at <= static_cast<std::uint64_t>(input.size()) &&
           input.read_all_at(static_cast<std::int64_t>(at), to);
  };
  std::set<std::uint16_t> left_out;
  auto block = parse_tags(file, [&](std::uint16_t tag) {
    const bool wanted = std::find(carried.begin(), carried.end(), tag) != carried.end() ||
                        tag == exif_tag::iptc || tag == exif_tag::photoshop;
    if (!wanted && !is_understood(tag)) {
      left_out.insert(tag);
    }
    return wanted;
  });
  TiffTags tags;
  if (!block) {
    return tags;
  }
  if (const ExifTag* iptc = find_tag(block->main, exif_tag::iptc)) {
    tags.iptc = iptc->value;
  } else if (const ExifTag* resources = find_tag(block->main, exif_tag::photoshop)) {
    tags.iptc = iptc_from_photoshop(resources->value);
  }
  remove_tag(block->main, exif_tag::iptc);
  remove_tag(block->main, exif_tag::photoshop);
  if (const ExifTag* description = find_tag(block->main, 0x010E)) {
    const std::string of_file = description_of_file(*description);
    if (!of_file.empty()) {
      tags.warnings.push_back(fmt::format(
          "The {} description of the TIFF is not carried over: it describes pages and sizes of the original.",
          of_file));
      remove_tag(block->main, 0x010E);
    }
  }
  if (!left_out.empty()) {
    tags.warnings.push_back(fmt::format("{} {} of the TIFF {} not carried over: {}.", left_out.size(),
                                        left_out.size() == 1 ? "tag" : "tags",
                                        left_out.size() == 1 ? "is" : "are", list_of(left_out)));
  }
  if (block->damaged) {
    tags.warnings.emplace_back("Some EXIF tags of the TIFF are damaged and were left out.");
  }
  if (!block->empty()) {
    tags.exif = serialize_exif(*block);
  }
  return tags;
}

}  // namespace tessera
