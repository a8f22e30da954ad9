// SPDX-License-Identifier: Apache-2.0
// PNG in pieces: each is filtered and deflated alone, ending in a full flush, so that the pieces joined are
// one valid zlib stream; the checksum of the whole is combined from theirs (zlib's adler32_combine).
#include <isa-l/igzip_lib.h>  // isal_adler32
#include <zlib.h>

#include <array>
#include <cstring>

#include "codec/common/deflate.hpp"
#include "codec/common/sinks.hpp"
#include "codec/png/written_chunks.hpp"

namespace tessera {
namespace {

constexpr std::int64_t piece_bytes = 1 << 20;
constexpr std::int64_t fewest_rows = 16;
/// Small images too give every rank and thread something to do.
constexpr std::int64_t fewest_pieces = 8;

/// The index of a piece, whose body is an IDAT chunk.
struct PieceIndex {
  std::uint64_t raw_bytes;
  std::uint64_t adler;  ///< 64 bits wide so that no padding of unknown content is in the bytes
};

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

class PngSink final : public FormatSink {
 public:
  PngSink(std::unique_ptr<AtomicFile> file, const ImageInfo& info, const Metadata& metadata)
      : FormatSink(std::move(file)),
        info_(info),
        row_bytes_(static_cast<std::size_t>(info.row_bytes())),
        pixel_bytes_(static_cast<std::size_t>(info.format.bytes_per_pixel())) {
    check_side(info, 0x7fffffff, "PNG", "TIFF");
    share(this->file());
    if (this->file() != nullptr) {
      write_header(metadata);
    }
  }

  std::int64_t piece_rows() const override {
    const std::int64_t for_size = piece_bytes / std::max<std::int64_t>(1, info_.row_bytes());
    const std::int64_t for_sharing = (info_.extent.height + fewest_pieces - 1) / fewest_pieces;
    return std::max(fewest_rows, std::min(for_size, for_sharing));
  }

  EncodedPiece encode(const Tile& piece) const override {
    const auto rows = static_cast<std::size_t>(piece.rect.height);
    std::vector<std::uint8_t, UninitializedAllocator<std::uint8_t>> filtered(rows * (row_bytes_ + 1));
    filter(piece, filtered.data());
    const PieceIndex index{filtered.size(),
                           static_cast<std::uint64_t>(isal_adler32(1, filtered.data(), filtered.size()))};
    const Bytes deflated = deflate_piece(filtered);
    EncodedPiece out;
    out.body.reserve(deflated.size() + 12);
    append_png_chunk(out.body, "IDAT", deflated.data(), deflated.size());
    append_bytes(out.index, &index, sizeof index);
    return out;
  }

  void append(const EncodedPiece& piece) override {
    add_checksum(piece.index);
    file()->write(piece.body);
  }

  void skip(std::span<const std::byte> index, std::int64_t body_bytes) override {
    add_checksum(index);
    file()->skip(body_bytes);
  }

  void finish() override {
    // An empty final block of fixed codes ends the zlib stream that the full flushes left open.
    std::array<std::byte, 6> end{std::byte{0x03}, std::byte{0x00}};
    put_big_endian(end.data() + 2, adler_);
    Bytes out;
    append_png_chunk(out, "IDAT", end.data(), end.size());
    append_png_chunk(out, "IEND", nullptr, 0);
    file()->write(out);
    file()->commit();
  }

 private:
  void add_checksum(std::span<const std::byte> of_piece) {
    PieceIndex index{};
    std::memcpy(&index, of_piece.data(), sizeof index);
    adler_ = static_cast<std::uint32_t>(
        adler32_combine(adler_, static_cast<uLong>(index.adler), static_cast<z_off_t>(index.raw_bytes)));
  }

  void write_header(const Metadata& metadata) {
    static constexpr std::array<unsigned char, 8> signature{0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    Bytes out;
    append_bytes(out, signature.data(), signature.size());
    std::array<std::byte, 13> header{};
    put_big_endian(header.data(), static_cast<std::uint32_t>(info_.extent.width));
    put_big_endian(header.data() + 4, static_cast<std::uint32_t>(info_.extent.height));
    header[8] = static_cast<std::byte>(8 * info_.format.bytes_per_sample());
    header[9] = static_cast<std::byte>((info_.format.channels == 3 ? 2 : 0) + (info_.format.alpha ? 4 : 0));
    append_png_chunk(out, "IHDR", header.data(), header.size());
    append_png_metadata(out, metadata);
    static constexpr std::array<unsigned char, 2> zlib_header{0x78, 0x01};
    append_png_chunk(out, "IDAT", zlib_header.data(), zlib_header.size());
    file()->write(out);
  }

  /// PNG samples are big-endian.
  void raw_row(const Tile& piece, int row, std::uint8_t* out) const {
    interleave_row(piece, row, reinterpret_cast<std::byte*>(out));
    if (info_.format.depth == Depth::u16) {
      for (std::size_t i = 0; i + 1 < row_bytes_; i += 2) {
        std::swap(out[i], out[i + 1]);
      }
    }
  }

  /// Each row by the lighter of Sub and Up; the first of a piece by Sub, so that pieces do not need each
  /// other.
  void filter(const Tile& piece, std::uint8_t* out) const {
    std::vector<std::uint8_t> current(row_bytes_);
    std::vector<std::uint8_t> previous(row_bytes_);
    std::vector<std::uint8_t> up(row_bytes_);
    for (int row = 0; row < piece.color.rows; ++row) {
      raw_row(piece, row, current.data());
      std::uint8_t* sub = out + 1;
      std::copy_n(current.data(), std::min(pixel_bytes_, row_bytes_), sub);
      for (std::size_t i = pixel_bytes_; i < row_bytes_; ++i) {
        sub[i] = static_cast<std::uint8_t>(current[i] - current[i - pixel_bytes_]);
      }
      out[0] = 1;
      if (row > 0) {
        for (std::size_t i = 0; i < row_bytes_; ++i) {
          up[i] = static_cast<std::uint8_t>(current[i] - previous[i]);
        }
        if (weight(up.data(), row_bytes_) <= weight(sub, row_bytes_)) {
          std::memcpy(sub, up.data(), row_bytes_);
          out[0] = 2;
        }
      }
      std::swap(current, previous);
      out += row_bytes_ + 1;
    }
  }

  ImageInfo info_;
  std::size_t row_bytes_;
  std::size_t pixel_bytes_;
  std::uint32_t adler_ = 1;
};

}  // namespace

std::unique_ptr<FormatSink> make_png_sink(std::unique_ptr<AtomicFile> file, const ImageInfo& info,
                                          const Metadata& metadata) {
  return std::make_unique<PngSink>(std::move(file), info, metadata);
}

}  // namespace tessera
