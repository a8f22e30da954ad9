// SPDX-License-Identifier: Apache-2.0
#include "codec/png/encoder.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <utility>

#include "codec/common/deflate.hpp"
#include "codec/common/sinks.hpp"
#include "codec/png/written_chunks.hpp"

namespace tessera {
namespace {

/// Sum of the filtered bytes as signed magnitudes: small means compressible (the PNG specification's
/// heuristic).
std::uint64_t weight(const std::uint8_t* bytes, std::size_t count) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const int value = static_cast<std::int8_t>(bytes[i]);
    sum += static_cast<std::uint64_t>(value < 0 ? -value : value);
  }
  return sum;
}

/// PNG samples are big-endian.
void raw_row(const Tile& tile, int row, std::vector<std::uint8_t>& out) {
  interleave_row(tile, row, reinterpret_cast<std::byte*>(out.data()));
  if (tile.color.depth() == CV_16U) {
    for (std::size_t i = 0; i + 1 < out.size(); i += 2) {
      std::swap(out[i], out[i + 1]);
    }
  }
}

}  // namespace

PngRows filter_png_rows(const Tile& rows) {
  const ImageInfo info = rows.info();
  const auto row_bytes = static_cast<std::size_t>(info.row_bytes());
  const std::size_t pixel_bytes =
      std::min(row_bytes, static_cast<std::size_t>(info.format.bytes_per_pixel()));
  PngRows filtered(static_cast<std::size_t>(rows.color.rows) * (row_bytes + 1));
  std::uint8_t* out = filtered.data();
  std::vector<std::uint8_t> current(row_bytes);
  std::vector<std::uint8_t> previous(row_bytes);
  std::vector<std::uint8_t> up(row_bytes);
  for (int row = 0; row < rows.color.rows; ++row) {
    raw_row(rows, row, current);
    std::uint8_t* const sub = out + 1;
    std::copy_n(current.data(), pixel_bytes, sub);
    for (std::size_t i = pixel_bytes; i < row_bytes; ++i) {
      sub[i] = static_cast<std::uint8_t>(current[i] - current[i - pixel_bytes]);
    }
    out[0] = 1;
    if (row > 0) {
      for (std::size_t i = 0; i < row_bytes; ++i) {
        up[i] = static_cast<std::uint8_t>(current[i] - previous[i]);
      }
      if (weight(up.data(), row_bytes) <= weight(sub, row_bytes)) {
        std::memcpy(sub, up.data(), row_bytes);
        out[0] = 2;
      }
    }
    std::swap(current, previous);
    out += row_bytes + 1;
  }
  return filtered;
}

Bytes png_head(const ImageInfo& info) {
  static constexpr std::array<unsigned char, 8> signature{0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  Bytes out;
  append_bytes(out, signature.data(), signature.size());
  std::array<std::byte, 13> header{};
  put_big_endian(header.data(), static_cast<std::uint32_t>(info.extent.width));
  put_big_endian(header.data() + 4, static_cast<std::uint32_t>(info.extent.height));
  header[8] = static_cast<std::byte>(8 * info.format.bytes_per_sample());
  header[9] = static_cast<std::byte>((info.format.channels == 3 ? 2 : 0) + (info.format.alpha ? 4 : 0));
  append_png_chunk(out, "IHDR", header.data(), header.size());
  return out;
}

Bytes encode_png(const Tile& picture, int level) {
  const PngRows rows = filter_png_rows(picture);
  const Bytes deflated = zlib_compress(std::as_bytes(std::span(rows)), level);
  Bytes out = png_head(picture.info());
  append_png_chunk(out, "IDAT", deflated.data(), deflated.size());
  append_png_chunk(out, "IEND", nullptr, 0);
  return out;
}

}  // namespace tessera
