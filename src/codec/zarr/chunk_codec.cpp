// SPDX-License-Identifier: Apache-2.0
// zstd is written in Blosc's container (README_CHUNK_FORMAT.rst of C-Blosc 1.x), which every reader of OME-Zarr knows,
// some of them without plain zstd, and which brings the bytes of 16-bit samples into planes first. A chunk is one block,
// so that the container is a header of 24 bytes; the library would be one more to install and to load.
#include "codec/zarr/chunk_codec.hpp"

#include <fmt/format.h>
#include <zstd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "base/error.hpp"
#include "codec/common/deflate.hpp"
#include "codec/common/effort.hpp"

namespace tessera {
namespace {

namespace blosc {
constexpr std::size_t header_bytes = 16;
constexpr std::size_t block_begin = header_bytes + 4;  ///< behind the offset of the only block
constexpr std::size_t stream_begin = block_begin + 4;  ///< behind the size of its only stream
constexpr std::uint8_t format_version = 2;
constexpr std::uint8_t zstd_version = 1;
constexpr std::uint8_t flag_shuffled = 0x01;
constexpr std::uint8_t flag_stored = 0x02;
constexpr std::uint8_t flag_one_stream = 0x10;  ///< blocks are not split by the bytes of a sample
constexpr std::uint8_t flag_zstd = 4 << 5;
constexpr std::size_t flags_at = 2;
}  // namespace blosc

void put_little_endian(std::byte* at, std::size_t value) {
  for (int byte = 0; byte < 4; ++byte) {
    at[byte] = static_cast<std::byte>(value >> (8 * byte));
  }
}

/// All first bytes of samples, then all second ones.
Bytes shuffled(std::span<const std::byte> samples, std::size_t sample_bytes) {
  Bytes planes(samples.size());
  const std::size_t count = samples.size() / sample_bytes;
  for (std::size_t byte = 0; byte < sample_bytes; ++byte) {
    for (std::size_t i = 0; i < count; ++i) {
      planes[byte * count + i] = samples[i * sample_bytes + byte];
    }
  }
  return planes;
}

void unshuffle(std::span<const std::byte> planes, std::size_t sample_bytes, std::span<std::byte> samples) {
  const std::size_t count = samples.size() / sample_bytes;
  for (std::size_t byte = 0; byte < sample_bytes; ++byte) {
    for (std::size_t i = 0; i < count; ++i) {
      samples[i * sample_bytes + byte] = planes[byte * count + i];
    }
  }
}

Bytes blosc_compress(const Bytes& chunk, int sample_bytes, int level) {
  const auto type_bytes = static_cast<std::size_t>(sample_bytes);
  const bool shuffles = type_bytes > 1;
  const Bytes planes = shuffles ? shuffled(chunk, type_bytes) : Bytes();
  const Bytes& raw = shuffles ? planes : chunk;
  Bytes out(blosc::stream_begin + ZSTD_compressBound(raw.size()));
  const std::size_t size = ZSTD_compress(out.data() + blosc::stream_begin, out.size() - blosc::stream_begin,
                                         raw.data(), raw.size(), level);
  if (ZSTD_isError(size) != 0) {
    throw Error(ErrorCode::internal, fmt::format("Compressing a chunk failed: {}.", ZSTD_getErrorName(size)));
  }
  auto flags = static_cast<std::uint8_t>(blosc::flag_one_stream | blosc::flag_zstd |
                                         (shuffles ? blosc::flag_shuffled : 0));
  if (size < raw.size()) {
    out.resize(blosc::stream_begin + size);
    put_little_endian(out.data() + blosc::header_bytes, blosc::block_begin);
    put_little_endian(out.data() + blosc::block_begin, size);
  } else {
    flags = flags | blosc::flag_stored;
    out.resize(blosc::header_bytes + chunk.size());
    std::ranges::copy(chunk, out.begin() + blosc::header_bytes);
  }
  out[0] = static_cast<std::byte>(blosc::format_version);
  out[1] = static_cast<std::byte>(blosc::zstd_version);
  out[blosc::flags_at] = static_cast<std::byte>(flags);
  out[3] = static_cast<std::byte>(sample_bytes);
  put_little_endian(out.data() + 4, chunk.size());
  put_little_endian(out.data() + 8, chunk.size());  // of a block
  put_little_endian(out.data() + 12, out.size());
  return out;
}

/// Bytes that are not compressed. False if they are not as many as the chunk has.
bool copy_stored(std::span<const std::byte> stored, std::span<std::byte> chunk) {
  std::ranges::copy(stored.first(std::min(stored.size(), chunk.size())), chunk.begin());
  return stored.size() == chunk.size();
}

/// Of what blosc_compress() made.
bool blosc_decompress(std::span<const std::byte> file, int sample_bytes, std::span<std::byte> chunk) {
  if (file.size() < blosc::header_bytes) {
    return false;
  }
  if ((static_cast<std::uint8_t>(file[blosc::flags_at]) & blosc::flag_stored) != 0) {
    const std::span stored = file.subspan(blosc::header_bytes);
    return copy_stored(stored, chunk);
  }
  if (file.size() < blosc::stream_begin) {
    return false;
  }
  const std::span stream = file.subspan(blosc::stream_begin);
  if (sample_bytes == 1) {
    return ZSTD_decompress(chunk.data(), chunk.size(), stream.data(), stream.size()) == chunk.size();
  }
  Bytes planes(chunk.size());
  const bool sound =
      ZSTD_decompress(planes.data(), planes.size(), stream.data(), stream.size()) == planes.size();
  unshuffle(planes, static_cast<std::size_t>(sample_bytes), chunk);
  return sound;
}

int level_of(const TileFolderOptions& options, TiffCompression compression) {
  return options.level > 0                         ? options.level
         : compression == TiffCompression::deflate ? fast_deflate_level
                                                   : fast_zstd_level;
}

}  // namespace

ChunkCodec::ChunkCodec(const TileFolderOptions& options, int bytes_per_sample)
    : compression_(options.compression.value_or(TiffCompression::zstd)),
      level_(level_of(options, compression_)),
      bytes_per_sample_(bytes_per_sample) {
  if (compression_ != TiffCompression::zstd && compression_ != TiffCompression::deflate &&
      compression_ != TiffCompression::none) {
    throw Error(ErrorCode::usage,
                "OME-Zarr is written with the compressions zstd, deflate and none: choose one.");
  }
}

Bytes ChunkCodec::encode(Bytes chunk) const {
  switch (compression_) {
    case TiffCompression::zstd:
      return blosc_compress(chunk, bytes_per_sample_, level_);
    case TiffCompression::deflate:
      return zlib_compress(chunk, level_);
    default:
      return chunk;
  }
}

bool ChunkCodec::decode(std::span<const std::byte> file, std::span<std::byte> chunk) const {
  switch (compression_) {
    case TiffCompression::zstd:
      return blosc_decompress(file, bytes_per_sample_, chunk);
    case TiffCompression::deflate:
      return zlib_decompress(file, chunk);
    default:
      return copy_stored(file, chunk);
  }
}

Json ChunkCodec::description() const {
  switch (compression_) {
    case TiffCompression::zstd: {
      // Blosc has levels from 1 to 9 and takes 2 n - 1 of zstd for level n; it is only said for who adds chunks.
      constexpr int most = 9;
      return {{"id", "blosc"},
              {"cname", "zstd"},
              {"clevel", std::min(most, (level_ + 2) / 2)},
              {"shuffle", bytes_per_sample_ > 1 ? 1 : 0},
              {"blocksize", 0}};
    }
    case TiffCompression::deflate: {
      constexpr int most = 9;  // of zlib
      return {{"id", "zlib"}, {"level", std::min(most, level_)}};
    }
    default:
      return nullptr;
  }
}

}  // namespace tessera
