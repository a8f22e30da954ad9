// SPDX-License-Identifier: Apache-2.0
// PNG in pieces: each is filtered and deflated alone, ending in a full flush, so that the pieces joined are
// one valid zlib stream; the checksum of the whole is combined from theirs (zlib's adler32_combine).
#include <isa-l/igzip_lib.h>  // isal_adler32
#include <zlib.h>

#include <array>
#include <cstring>

#include "codec/common/deflate.hpp"
#include "codec/common/sinks.hpp"
#include "codec/png/encoder.hpp"
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

class PngSink final : public FormatSink {
 public:
  PngSink(std::unique_ptr<AtomicFile> file, const ImageInfo& info, const Metadata& metadata)
      : FormatSink(std::move(file)), info_(info) {
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

  /// The filtered rows, and what they are deflated to before it becomes a chunk.
  EncodingCost encoding_cost() const override {
    const std::int64_t rows = std::min(piece_rows(), info_.extent.height);
    return {.piece = rows * (info_.row_bytes() + 1), .bodies = 1, .index = sizeof(PieceIndex)};
  }

  EncodedPiece encode(const Tile& piece) const override {
    const PngRows filtered = filter_png_rows(piece);
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
    Bytes out = png_head(info_);
    append_png_metadata(out, metadata);
    static constexpr std::array<unsigned char, 2> zlib_header{0x78, 0x01};
    append_png_chunk(out, "IDAT", zlib_header.data(), zlib_header.size());
    file()->write(out);
  }

  ImageInfo info_;
  std::uint32_t adler_ = 1;
};

}  // namespace

std::unique_ptr<FormatSink> make_png_sink(std::unique_ptr<AtomicFile> file, const ImageInfo& info,
                                          const Metadata& metadata) {
  return std::make_unique<PngSink>(std::move(file), info, metadata);
}

}  // namespace tessera
