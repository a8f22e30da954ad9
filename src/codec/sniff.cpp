// SPDX-License-Identifier: Apache-2.0
#include "codec/sniff.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace tessera {
namespace {

using namespace std::string_view_literals;

struct Signature {
  std::size_t offset;
  std::string_view bytes;
  std::string_view description;
};

// Content that is not read, by name, so that the answer can say what came instead of an image.
constexpr std::array foreign{
    Signature{0, "%PDF-"sv, "a PDF document"},
    Signature{0, "%!"sv, "a PostScript or EPS document, which is a program rather than pixels"},
    Signature{0, "\xC5\xD0\xD3\xC6"sv, "an EPS document, which is a program rather than pixels"},
    Signature{0, "PK\x03\x04"sv, "a ZIP archive or an office document"},
    Signature{0, "PK\x05\x06"sv, "an empty ZIP archive"},
    Signature{0, "PK\x07\x08"sv, "a ZIP archive"},
    Signature{0, "Rar!\x1A\x07"sv, "a RAR archive"},
    Signature{0, "7z\xBC\xAF\x27\x1C"sv, "a 7-Zip archive"},
    Signature{0, "\x1F\x8B"sv, "gzip-compressed data"},
    Signature{0, "BZh"sv, "bzip2-compressed data"},
    Signature{0,
              "\xFD"
              "7zXZ\0"sv,
              "xz-compressed data"},
    Signature{0, "\x28\xB5\x2F\xFD"sv, "Zstandard-compressed data"},
    Signature{257, "ustar"sv, "a TAR archive"},
    Signature{0, "#!"sv, "a script"},
    Signature{0, "<?php"sv, "a PHP script"},
    Signature{0,
              "\x7F"
              "ELF"sv,
              "a program for Linux"},
    Signature{0, "MZ"sv, "a program for Windows"},
    Signature{0, "push graphic-context"sv,
              "an ImageMagick drawing (MVG), which is a program rather than pixels"},
    Signature{0, "viewbox "sv, "an ImageMagick drawing (MVG), which is a program rather than pixels"},
    Signature{0, "id=ImageMagick"sv, "an ImageMagick file (MIFF)"},
    Signature{0, "id=MagickCache"sv, "an ImageMagick cache file"},
    Signature{0, "/* XPM */"sv, "an X pixmap (XPM)"},
    Signature{0, "#define"sv, "C source or an X bitmap (XBM)"},
    Signature{0, "8BPS"sv, "a Photoshop document"},
    Signature{0, "gimp xcf"sv, "a GIMP document"},
    Signature{0, "\0\0\0\x0CjP  \r\n\x87\n"sv, "a JPEG 2000 image"},
    Signature{0, "\xFF\x4F\xFF\x51"sv, "a JPEG 2000 image"},
    Signature{0, "\xFF\x0A"sv, "a JPEG XL image"},
    Signature{0, "\0\0\0\x0CJXL \r\n\x87\n"sv, "a JPEG XL image"},
    Signature{0, "\x76\x2F\x31\x01"sv, "an OpenEXR image"},
    Signature{0, "#?RADIANCE"sv, "a Radiance image"},
    Signature{0, "#?RGBE"sv, "a Radiance image"},
    Signature{0, "SIMPLE  ="sv, "a FITS image"},
    Signature{128, "DICM"sv, "a DICOM image"},
    Signature{0, "\xD7\xCD\xC6\x9A"sv, "a Windows metafile, which is a program rather than pixels"},
    Signature{0, "II\xBC"sv, "a JPEG XR image"},
    Signature{0, "\x01\xDA\x00"sv, "an SGI image"},
    Signature{0, "\x01\xDA\x01"sv, "an SGI image"},
    Signature{0, "qoif"sv, "a QOI image"},
    Signature{0, "DDS "sv, "a DirectDraw texture"},
    Signature{0, "AT&TFORM"sv, "a DjVu document"},
    Signature{0, "\x8AMNG\r\n"sv, "an MNG animation"},
    Signature{0, "\x8BJNG\r\n"sv, "a JNG image"},
    Signature{0, "P7\n"sv, "a PAM image"},
    Signature{0, "PF\n"sv, "a floating-point PFM image"},
    Signature{0, "Pf\n"sv, "a floating-point PFM image"},
    Signature{0, "\x1A\x45\xDF\xA3"sv, "a Matroska or WebM video"},
    Signature{0, "OggS"sv, "an Ogg file"},
    Signature{0, "ID3"sv, "an MP3 recording"},
    Signature{0, "SQLite format 3\0"sv, "an SQLite database"},
    Signature{0, "\x89HDF\r\n\x1A\n"sv, "an HDF5 file"},
    Signature{0, "{\\rtf"sv, "an RTF document"},
};

bool has(std::string_view head, std::size_t offset, std::string_view bytes) {
  return head.size() >= offset + bytes.size() && head.substr(offset, bytes.size()) == bytes;
}

bool contains_without_case(std::string_view text, std::string_view word) {
  const auto same = [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
  };
  return std::search(text.begin(), text.end(), word.begin(), word.end(), same) != text.end();
}

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::string_view without_leading_space(std::string_view text) {
  if (has(text, 0, "\xEF\xBB\xBF")) {
    text.remove_prefix(3);
  }
  while (!text.empty() && is_space(text.front())) {
    text.remove_prefix(1);
  }
  return text;
}

bool looks_like_text(std::string_view head) {
  return std::all_of(head.begin(), head.end(),
                     [](char c) { return is_space(c) || static_cast<unsigned char>(c) >= 0x20; });
}

Sniffed known(ImageFormat format) {
  return {
      format,
      std::string(format == ImageFormat::avif ? "an " : "a ") + std::string(format_name(format)) + " image",
      false};
}

Sniffed refused(std::string_view description) { return {std::nullopt, std::string(description), false}; }

// ISO base media: HEIF, AVIF, JPEG XL's relatives and all of MP4 begin with a box "ftyp" that lists brands.
std::optional<Sniffed> sniff_boxes(std::string_view head) {
  if (!has(head, 4, "ftyp")) {
    return std::nullopt;
  }
  const auto byte = [&](std::size_t at) {
    return static_cast<std::size_t>(static_cast<unsigned char>(head[at]));
  };
  const std::size_t declared = byte(0) << 24 | byte(1) << 16 | byte(2) << 8 | byte(3);
  const std::size_t end = std::min(declared, head.size());
  bool heif = false;
  for (std::size_t at = 8; at + 4 <= end; at += at == 8 ? 8 : 4) {
    const std::string_view brand = head.substr(at, 4);
    if (brand == "avif" || brand == "avis") {
      return known(ImageFormat::avif);
    }
    heif = heif || brand == "mif1" || brand == "msf1" || brand == "heic" || brand == "heix" ||
           brand == "heim" || brand == "heis" || brand == "hevc";
  }
  if (has(head, 8, "mif3")) {
    return refused("a HEIF or AVIF image in its short form (mif3)");
  }
  return heif ? known(ImageFormat::heif) : refused("a video or another MP4-like file");
}

std::optional<Sniffed> sniff_pixels(std::string_view head) {
  if (has(head, 0, "\x89PNG\r\n\x1A\n")) {
    return known(ImageFormat::png);
  }
  if (has(head, 0, "\xFF\xD8\xFF")) {
    return known(ImageFormat::jpeg);
  }
  if (has(head, 0, "II*\0"sv) || has(head, 0, "MM\0*"sv) || has(head, 0, "II+\0"sv) ||
      has(head, 0, "MM\0+"sv)) {
    return known(ImageFormat::tiff);
  }
  if (has(head, 0, "RIFF")) {
    return has(head, 8, "WEBP") ? known(ImageFormat::webp)
                                : refused("a RIFF file such as a WAV recording or AVI video");
  }
  if (has(head, 0, "GIF87a") || has(head, 0, "GIF89a")) {
    return known(ImageFormat::gif);
  }
  if (head.size() >= 3 && head[0] == 'P' && head[1] >= '1' && head[1] <= '6' &&
      (is_space(head[2]) || head[2] == '#')) {
    return known(ImageFormat::pnm);
  }
  // "BM" alone begins many a text; the header that follows is of one of a few sizes.
  constexpr std::array<unsigned char, 8> header_bytes{12, 16, 40, 52, 56, 64, 108, 124};
  if (has(head, 0, "BM") && has(head, 15, "\0\0\0"sv) &&
      std::find(header_bytes.begin(), header_bytes.end(), static_cast<unsigned char>(head[14])) !=
          header_bytes.end()) {
    return known(ImageFormat::bmp);
  }
  return sniff_boxes(head);
}

std::size_t little_endian(std::string_view head, std::size_t at, std::size_t bytes) {
  std::size_t value = 0;
  for (std::size_t i = bytes; i-- > 0;) {
    value = value << 8 | static_cast<unsigned char>(head[at + i]);
  }
  return value;
}

// A list of pictures, each described in 16 bytes, that must not begin before the list ends.
bool is_icon(std::string_view head, char kind) {
  constexpr std::size_t list_begin = 6;
  constexpr std::size_t entry_bytes = 16;
  if (head.size() < list_begin + entry_bytes || !has(head, 0, "\0\0"sv) || head[2] != kind || head[3] != 0) {
    return false;
  }
  const std::size_t count = little_endian(head, 4, 2);
  return count > 0 && head[9] == 0 && little_endian(head, 18, 4) >= list_begin + count * entry_bytes;
}

// Targa has no signature at its front: all its header must make sense.
bool is_targa(std::string_view head) {
  constexpr std::size_t header_bytes = 18;
  if (head.size() < header_bytes) {
    return false;
  }
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(head[at]); };
  const int kind = byte(2);
  const bool mapped = kind == 1 || kind == 9;
  const bool known_kind = mapped || kind == 2 || kind == 3 || kind == 10 || kind == 11;
  const auto is_depth = [](int bits) {
    return bits == 8 || bits == 15 || bits == 16 || bits == 24 || bits == 32;
  };
  const bool map =
      byte(1) == 1 ? little_endian(head, 5, 2) > 0 && is_depth(byte(7)) : byte(1) == 0 && !mapped;
  constexpr int unused_bits = 0xC0;
  return known_kind && map && little_endian(head, 12, 2) > 0 && little_endian(head, 14, 2) > 0 &&
         is_depth(byte(16)) && (byte(17) & unused_bits) == 0 && (byte(17) & 15) <= 8;
}

bool is_pcx(std::string_view head) {
  if (head.size() < 4 || head[0] != 10 || head[2] != 1) {
    return false;
  }
  const int version = head[1];
  const int bits = head[3];
  return version >= 0 && version <= 5 && version != 1 && (bits == 1 || bits == 2 || bits == 4 || bits == 8);
}

// Formats that are told by a header that makes sense rather than by a signature.
std::optional<Sniffed> sniff_headers(std::string_view head) {
  if (is_icon(head, 1)) {
    return refused("a Windows icon");
  }
  if (is_icon(head, 2)) {
    return refused("a Windows cursor");
  }
  if (is_pcx(head)) {
    return refused("a PCX image");
  }
  // Icons, pointers and arrays of bitmaps of OS/2: their own name, then a size.
  for (const std::string_view name : {"BA"sv, "CI"sv, "CP"sv, "IC"sv, "PT"sv}) {
    if (has(head, 0, name) && !looks_like_text(head)) {
      return refused("an OS/2 icon, pointer or array of bitmaps");
    }
  }
  if (is_targa(head)) {
    return refused("a Targa image");
  }
  return std::nullopt;
}

Sniffed sniff_text(std::string_view head) {
  const std::string_view text = without_leading_space(head);
  for (const Signature& signature : foreign) {
    if (signature.offset == 0 && has(text, 0, signature.bytes)) {
      return refused(signature.description);
    }
  }
  if (!text.empty() && text.front() == '<') {
    if (contains_without_case(text, "<svg") || contains_without_case(text, "<!doctype svg")) {
      return refused("an SVG drawing, which is a program rather than pixels");
    }
    if (contains_without_case(text, "<html") || contains_without_case(text, "<!doctype html")) {
      return refused("an HTML page");
    }
    return refused("an XML document");
  }
  return refused("plain text");
}

}  // namespace

std::string_view format_name(ImageFormat format) {
  static constexpr std::array names{"PNG"sv, "JPEG"sv, "TIFF"sv, "WebP"sv, "GIF"sv,
                                    "BMP"sv, "PNM"sv,  "HEIF"sv, "AVIF"sv};
  return names.at(static_cast<std::size_t>(format));
}

std::string_view media_type(ImageFormat format) {
  static constexpr std::array types{"image/png"sv,
                                    "image/jpeg"sv,
                                    "image/tiff"sv,
                                    "image/webp"sv,
                                    "image/gif"sv,
                                    "image/bmp"sv,
                                    "image/x-portable-anymap"sv,
                                    "image/heif"sv,
                                    "image/avif"sv};
  return types.at(static_cast<std::size_t>(format));
}

Sniffed sniff(std::span<const std::byte> bytes) {
  const std::string_view head(reinterpret_cast<const char*>(bytes.data()),
                              std::min(bytes.size(), sniff_bytes));
  if (head.empty()) {
    return refused("an empty file");
  }
  if (auto pixels = sniff_pixels(head)) {
    return *pixels;
  }
  // The signature of a PNG holds both kinds of line end and a byte above 127, so that a transfer that
  // changes those shows.
  if (has(head, 1, "PNG") || (head.find("IHDR") < 24)) {
    return {std::nullopt, "a PNG image whose first bytes are damaged, as by a transfer in text mode", true};
  }
  for (const Signature& signature : foreign) {
    if (has(head, signature.offset, signature.bytes)) {
      return refused(signature.description);
    }
  }
  if (auto other = sniff_headers(head)) {
    return *other;
  }
  if (looks_like_text(head)) {
    return sniff_text(head);
  }
  return refused("something else");
}

}  // namespace tessera
