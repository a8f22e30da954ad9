// SPDX-License-Identifier: Apache-2.0
#include "codec/common/deflate.hpp"

#include <isa-l/igzip_lib.h>
#include <libdeflate.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace tessera {
namespace {

/// libisal 2.30 hashes the first bytes of a stream with a register that still holds the address of its
/// isal_zstream (isal_deflate_icf_body_hash_hist, .write_first_byte), and about one piece in ten thousand
/// then misses a match. Its inner loop leaves this many bytes at the end of a flush to other code, which does
/// not have the error: a piece that begins with a flush of so few never gets there without a history.
constexpr std::size_t bytes_before_the_inner_loop = 16;

class Deflater {
 public:
  explicit Deflater(std::size_t expected_bytes) : level_buffer_(ISAL_DEF_LVL1_DEFAULT), out_(expected_bytes) {
    isal_deflate_init(&stream_);
    stream_.level = 1;
    stream_.level_buf = level_buffer_.data();
    stream_.level_buf_size = static_cast<std::uint32_t>(level_buffer_.size());
  }

  void add(std::span<const std::uint8_t> raw, std::uint16_t flush) {
    constexpr std::size_t step = std::size_t{1} << 30;
    stream_.flush = flush;
    // libisal's interface predates const; the input is only read.
    stream_.next_in = const_cast<std::uint8_t*>(raw.data());
    std::size_t left = raw.size();
    do {
      if (stream_.avail_in == 0 && left > 0) {
        stream_.avail_in = static_cast<std::uint32_t>(std::min(step, left));
        left -= stream_.avail_in;
      }
      if (out_.size() - used_ < 1024) {
        out_.resize(out_.size() * 2);
      }
      const std::size_t room = std::min(step, out_.size() - used_);
      stream_.next_out = reinterpret_cast<std::uint8_t*>(out_.data()) + used_;
      stream_.avail_out = static_cast<std::uint32_t>(room);
      if (isal_deflate(&stream_) != COMP_OK) {
        throw Error(ErrorCode::internal, "Deflating a piece of a PNG failed.");
      }
      used_ += room - stream_.avail_out;
    } while (stream_.avail_out == 0 || left > 0 || stream_.avail_in > 0);
  }

  Bytes finish() {
    out_.resize(used_);
    return std::move(out_);
  }

 private:
  isal_zstream stream_{};
  /// Zeroed: the compressor looks for matches in its tables before it has filled them, and what memory
  /// happened to hold would show in the bytes.
  std::vector<std::uint8_t> level_buffer_;
  Bytes out_;
  std::size_t used_ = 0;
};

}  // namespace

Bytes deflate_piece(std::span<const std::uint8_t> raw) {
  Deflater deflater(raw.size() + raw.size() / 8 + 1024);
  const std::size_t first = std::min(bytes_before_the_inner_loop, raw.size());
  if (first < raw.size()) {
    deflater.add(raw.first(first), SYNC_FLUSH);
    raw = raw.subspan(first);
  }
  deflater.add(raw, FULL_FLUSH);
  return deflater.finish();
}

Bytes zlib_compress(std::span<const std::byte> raw, int level) {
  const std::unique_ptr<libdeflate_compressor, decltype(&libdeflate_free_compressor)> compressor(
      libdeflate_alloc_compressor(level), &libdeflate_free_compressor);
  if (!compressor) {
    throw Error(ErrorCode::internal, "There is no memory for deflating a tile.");
  }
  Bytes packed(libdeflate_zlib_compress_bound(compressor.get(), raw.size()));
  const std::size_t size =
      libdeflate_zlib_compress(compressor.get(), raw.data(), raw.size(), packed.data(), packed.size());
  if (size == 0) {
    throw Error(ErrorCode::internal, "Deflating a tile failed.");
  }
  packed.resize(size);
  return packed;
}

bool zlib_decompress(std::span<const std::byte> stream, std::span<std::byte> raw) {
  const std::unique_ptr<libdeflate_decompressor, decltype(&libdeflate_free_decompressor)> decompressor(
      libdeflate_alloc_decompressor(), &libdeflate_free_decompressor);
  return decompressor && libdeflate_zlib_decompress(decompressor.get(), stream.data(), stream.size(),
                                                    raw.data(), raw.size(), nullptr) == LIBDEFLATE_SUCCESS;
}

}  // namespace tessera
