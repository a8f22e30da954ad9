// SPDX-License-Identifier: Apache-2.0
#include "codec/png/written_chunks.hpp"

#include <isa-l/crc.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string_view>

#include "codec/common/sinks.hpp"
#include "codec/metadata/iptc.hpp"
#include "codec/metadata/raw_profile.hpp"

namespace tessera {
namespace {

// iCCP and zTXt: a keyword, the method (0: deflate), the packed content.
void append_packed(Bytes& out, const char* type, std::string_view keyword, const void* data,
                   std::size_t size) {
  uLongf packed = compressBound(static_cast<uLong>(size));
  Bytes chunk;
  append_bytes(chunk, keyword.data(), keyword.size());
  chunk.insert(chunk.end(), 2, std::byte{0});
  const std::size_t head = chunk.size();
  chunk.resize(head + packed);
  compress2(reinterpret_cast<Bytef*>(chunk.data() + head), &packed, static_cast<const Bytef*>(data),
            static_cast<uLong>(size), Z_BEST_SPEED);
  append_png_chunk(out, type, chunk.data(), head + packed);
}

void append_colors(Bytes& out, const Metadata& metadata) {
  const ColorEncoding& encoding = metadata.encoding;
  if (encoding.cicp) {
    append_png_chunk(out, "cICP", encoding.cicp->data(), encoding.cicp->size());
  }
  if (!metadata.icc.empty()) {
    append_packed(out, "iCCP", "ICC profile", metadata.icc.data(), metadata.icc.size());
    return;
  }
  if (encoding.srgb_intent) {
    append_png_chunk(out, "sRGB", &*encoding.srgb_intent, 1);
  }
  if (encoding.gamma != 0) {
    std::array<std::byte, 4> content{};
    put_big_endian(content.data(), encoding.gamma);
    append_png_chunk(out, "gAMA", content.data(), content.size());
  }
  if (encoding.chromaticities != ColorEncoding{}.chromaticities) {
    std::array<std::byte, 32> content{};
    for (std::size_t i = 0; i < encoding.chromaticities.size(); ++i) {
      put_big_endian(content.data() + 4 * i, encoding.chromaticities.at(i));
    }
    append_png_chunk(out, "cHRM", content.data(), content.size());
  }
}

void append_resolution(Bytes& out, const Resolution& resolution) {
  if (!resolution.known()) {
    return;
  }
  using Unit = Resolution::Unit;
  double scale = 1;
  if (resolution.unit == Unit::inch) {
    scale = 1000 / 25.4;
  } else if (resolution.unit == Unit::centimetre) {
    scale = 100;
  } else if (resolution.unit == Unit::ratio && std::min(resolution.x, resolution.y) < 1000 &&
             std::max(resolution.x, resolution.y) < 1e6) {
    // Whole numbers have to keep the ratio.
    scale = resolution.x == std::round(resolution.x) && resolution.y == std::round(resolution.y) ? 1 : 1000;
  }
  std::array<std::byte, 9> content{};
  put_big_endian(content.data(), static_cast<std::uint32_t>(std::lround(resolution.x * scale)));
  put_big_endian(content.data() + 4, static_cast<std::uint32_t>(std::lround(resolution.y * scale)));
  content[8] = static_cast<std::byte>(resolution.unit == Unit::ratio ? 0 : 1);
  append_png_chunk(out, "pHYs", content.data(), content.size());
}

}  // namespace

void put_big_endian(std::byte* at, std::uint32_t value) {
  for (int i = 0; i < 4; ++i) {
    at[i] = static_cast<std::byte>(value >> (24 - 8 * i));
  }
}

void append_png_chunk(Bytes& out, const char* type, const void* data, std::size_t size) {
  const std::size_t start = out.size();
  out.resize(start + 8);
  put_big_endian(out.data() + start, static_cast<std::uint32_t>(size));
  std::memcpy(out.data() + start + 4, type, 4);
  append_bytes(out, data, size);
  // libisal's checksums are several times as fast as zlib's.
  const auto* checked = reinterpret_cast<const unsigned char*>(out.data() + start + 4);
  const std::uint32_t crc = crc32_gzip_refl(0, checked, size + 4);
  out.resize(out.size() + 4);
  put_big_endian(out.data() + out.size() - 4, crc);
}

void append_png_metadata(Bytes& out, const Metadata& metadata) {
  append_colors(out, metadata);
  append_resolution(out, metadata.resolution);
  if (!metadata.exif.empty()) {
    append_png_chunk(out, "eXIf", metadata.exif.data(), metadata.exif.size());
  }
  if (!metadata.xmp.empty()) {
    static constexpr std::string_view keyword("XML:com.adobe.xmp\0\0\0\0\0", 22);
    Bytes text;
    append_bytes(text, keyword.data(), keyword.size());
    append_bytes(text, metadata.xmp.data(), metadata.xmp.size());
    append_png_chunk(out, "iTXt", text.data(), text.size());
  }
  if (!metadata.iptc.empty()) {
    const std::string text = encode_raw_profile("iptc", photoshop_from_iptc(metadata.iptc));
    append_packed(out, "zTXt", "Raw profile type iptc", text.data(), text.size());
  }
}

}  // namespace tessera
