// SPDX-License-Identifier: Apache-2.0
#include "codec/tiff/written_metadata.hpp"

#include <tiff.h>

#include <array>
#include <string_view>

#include "codec/metadata/exif_block.hpp"

namespace tessera {
namespace {

void add_resolution(TiffDirectory& directory, const Resolution& resolution) {
  if (!resolution.known()) {
    return;
  }
  using Unit = Resolution::Unit;
  const double scale = resolution.unit == Unit::metre ? 0.01 : 1;
  directory.set_short(TIFFTAG_RESOLUTIONUNIT, resolution.unit == Unit::inch    ? RESUNIT_INCH
                                              : resolution.unit == Unit::ratio ? RESUNIT_NONE
                                                                               : RESUNIT_CENTIMETER);
  directory.set_rational(TIFFTAG_XRESOLUTION, resolution.x * scale);
  directory.set_rational(TIFFTAG_YRESOLUTION, resolution.y * scale);
}

void add_main_tags(TiffDirectory& directory, const ExifBlock& block) {
  constexpr std::array<std::uint16_t, 10> texts{0x010D, 0x010E, 0x010F, 0x0110, 0x011D,
                                                0x0131, 0x0132, 0x013B, 0x013C, 0x8298};
  for (const std::uint16_t tag : texts) {
    if (const ExifTag* found = find_tag(block.main, tag); found != nullptr && found->type == TIFF_ASCII) {
      directory.set_text(tag, {reinterpret_cast<const char*>(found->value.data()), found->value.size()});
    }
  }
  constexpr std::array<std::uint16_t, 2> ratings{0x4746, 0x4749};
  for (const std::uint16_t tag : ratings) {
    if (const auto rating = whole_number(block, find_tag(block.main, tag))) {
      directory.set_short(tag, static_cast<std::uint16_t>(*rating));
    }
  }
  constexpr std::array<std::uint16_t, 5> windows_texts{0x9C9B, 0x9C9C, 0x9C9D, 0x9C9E, 0x9C9F};
  for (const std::uint16_t tag : windows_texts) {
    if (const ExifTag* found = find_tag(block.main, tag); found != nullptr && found->type == TIFF_BYTE) {
      directory.set_bytes(tag, TIFF_BYTE, found->value.size(), found->value);
    }
  }
}

}  // namespace

Bytes tiff_exif_directories(const Metadata& metadata, std::uint64_t begin, bool big_tiff) {
  const auto block = parse_exif(metadata.exif);
  return block ? serialize_for_tiff(*block, begin, big_tiff).bytes : Bytes();
}

void add_tiff_metadata(TiffDirectory& directory, const Metadata& metadata, std::uint64_t begin,
                       bool big_tiff) {
  if (!metadata.icc.empty()) {
    directory.set_bytes(TIFFTAG_ICCPROFILE, TIFF_UNDEFINED, metadata.icc.size(), metadata.icc);
  }
  if (!metadata.xmp.empty()) {
    directory.set_bytes(TIFFTAG_XMLPACKET, TIFF_BYTE, metadata.xmp.size(), metadata.xmp);
  }
  if (!metadata.iptc.empty()) {
    // Readers expect words of four bytes; IPTC ends where no dataset begins.
    constexpr std::size_t word = 4;
    Bytes padded = metadata.iptc;
    padded.resize((padded.size() + word - 1) / word * word, std::byte{0});
    directory.set_bytes(TIFFTAG_RICHTIFFIPTC, TIFF_LONG, padded.size() / word, padded);
  }
  add_resolution(directory, metadata.resolution);
  if (const auto block = parse_exif(metadata.exif)) {
    add_main_tags(directory, *block);
    const TiffDirectories apart = serialize_for_tiff(*block, begin, big_tiff);
    if (apart.camera_at != 0) {
      directory.set_directory(TIFFTAG_EXIFIFD, apart.camera_at);
    }
    if (apart.location_at != 0) {
      directory.set_directory(TIFFTAG_GPSIFD, apart.location_at);
    }
  }
}

}  // namespace tessera
