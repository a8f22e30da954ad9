// SPDX-License-Identifier: Apache-2.0
#include "codec/tiff/written_metadata.hpp"


#include <array>
#include <string>

#include "base/error.hpp"
#include "codec/metadata/exif_block.hpp"

namespace tessera {
namespace {

void write_resolution(TIFF* tiff, const Resolution& resolution) {
  if (!resolution.known()) {
    return;
  }
  using Unit = Resolution::Unit;
  const double scale = resolution.unit == Unit::metre ? 0.01 : 1;
  const int unit = resolution.unit == Unit::inch    ? RESUNIT_INCH
                   : resolution.unit == Unit::ratio ? RESUNIT_NONE
                                                    : RESUNIT_CENTIMETER;
  TIFFSetField(tiff, TIFFTAG_RESOLUTIONUNIT, unit);
  TIFFSetField(tiff, TIFFTAG_XRESOLUTION, resolution.x * scale);
  TIFFSetField(tiff, TIFFTAG_YRESOLUTION, resolution.y * scale);
}

// Tags that libtiff does not know but for what they are told here: ratings, and Windows' titles and comments.
void know_further_tags(TIFF* tiff) {
  static char name[] = "EXIF";
  static const std::array<TIFFFieldInfo, 7> fields{{
      {0x4746, TIFF_VARIABLE2, TIFF_VARIABLE2, TIFF_SHORT, FIELD_CUSTOM, 1, 1, name},
      {0x4749, TIFF_VARIABLE2, TIFF_VARIABLE2, TIFF_SHORT, FIELD_CUSTOM, 1, 1, name},
      {0x9C9B, TIFF_VARIABLE2, TIFF_VARIABLE2, TIFF_BYTE, FIELD_CUSTOM, 1, 1, name},
      {0x9C9C, TIFF_VARIABLE2, TIFF_VARIABLE2, TIFF_BYTE, FIELD_CUSTOM, 1, 1, name},
      {0x9C9D, TIFF_VARIABLE2, TIFF_VARIABLE2, TIFF_BYTE, FIELD_CUSTOM, 1, 1, name},
      {0x9C9E, TIFF_VARIABLE2, TIFF_VARIABLE2, TIFF_BYTE, FIELD_CUSTOM, 1, 1, name},
      {0x9C9F, TIFF_VARIABLE2, TIFF_VARIABLE2, TIFF_BYTE, FIELD_CUSTOM, 1, 1, name},
  }};
  TIFFMergeFieldInfo(tiff, fields.data(), static_cast<std::uint32_t>(fields.size()));
}

void write_main(TIFF* tiff, const ExifBlock& block) {
  know_further_tags(tiff);
  constexpr std::array<std::uint16_t, 10> texts{0x010D, 0x010E, 0x010F, 0x0110, 0x011D,
                                                0x0131, 0x0132, 0x013B, 0x013C, 0x8298};
  constexpr std::uint16_t type_ascii = 2;
  for (const std::uint16_t tag : texts) {
    if (const ExifTag* found = find_tag(block.main, tag); found != nullptr && found->type == type_ascii) {
      const std::string text(reinterpret_cast<const char*>(found->value.data()), found->value.size());
      TIFFSetField(tiff, tag, text.c_str());
    }
  }
  constexpr std::array<std::uint16_t, 2> ratings{0x4746, 0x4749};
  for (const std::uint16_t tag : ratings) {
    if (const auto rating = whole_number(block, find_tag(block.main, tag))) {
      const auto value = static_cast<std::uint16_t>(*rating);
      TIFFSetField(tiff, tag, 1U, &value);
    }
  }
  constexpr std::uint16_t type_byte = 1;
  constexpr std::array<std::uint16_t, 5> windows_texts{0x9C9B, 0x9C9C, 0x9C9D, 0x9C9E, 0x9C9F};
  for (const std::uint16_t tag : windows_texts) {
    if (const ExifTag* found = find_tag(block.main, tag); found != nullptr && found->type == type_byte) {
      TIFFSetField(tiff, tag, static_cast<std::uint32_t>(found->value.size()), found->value.data());
    }
  }
}

// The directories of EXIF stand behind the file's header, before libtiff, which goes on at the end of the
// file, writes anything: it could write only the tags that it knows.
void write_directories(TIFF* tiff, AtomicFile& file, bool big_tiff, const ExifBlock& block) {
  const std::uint64_t begin = big_tiff ? 16 : 8;
  const TiffDirectories directories = serialize_for_tiff(block, begin, big_tiff);
  file.write_at(static_cast<std::int64_t>(begin), directories.bytes);
  if (directories.camera_at != 0) {
    TIFFSetField(tiff, TIFFTAG_EXIFIFD, directories.camera_at);
  }
  if (directories.location_at != 0) {
    TIFFSetField(tiff, TIFFTAG_GPSIFD, directories.location_at);
  }
}

}  // namespace

void write_tiff_metadata(TIFF* tiff, AtomicFile& file, bool big_tiff, const Metadata& metadata) {
  if (!metadata.icc.empty()) {
    TIFFSetField(tiff, TIFFTAG_ICCPROFILE, static_cast<std::uint32_t>(metadata.icc.size()),
                 metadata.icc.data());
  }
  if (!metadata.xmp.empty()) {
    TIFFSetField(tiff, TIFFTAG_XMLPACKET, static_cast<std::uint32_t>(metadata.xmp.size()),
                 metadata.xmp.data());
  }
  if (!metadata.iptc.empty()) {
    // Versions of libtiff differ in whether they count it in bytes or in words of four; IPTC ends where no
    // dataset begins.
    const TIFFField* const field = TIFFFieldWithTag(tiff, TIFFTAG_RICHTIFFIPTC);
    const auto unit = static_cast<std::size_t>(TIFFDataWidth(TIFFFieldDataType(field)));
    Bytes padded = metadata.iptc;
    padded.resize((padded.size() + unit - 1) / unit * unit, std::byte{0});
    TIFFSetField(tiff, TIFFTAG_RICHTIFFIPTC, static_cast<std::uint32_t>(padded.size() / unit), padded.data());
  }
  write_resolution(tiff, metadata.resolution);
  if (const auto block = parse_exif(metadata.exif)) {
    write_main(tiff, *block);
    write_directories(tiff, file, big_tiff, *block);
  }
}

}  // namespace tessera
