// SPDX-License-Identifier: Apache-2.0
#include "codec/png/fast.hpp"

#include <fmt/format.h>
#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace tessera {
namespace {

constexpr std::size_t window_bytes = 64 << 10;
/// Behind the last row: pixels are loaded in powers of two.
constexpr std::size_t slack_bytes = 8;

std::uint32_t big_endian(const std::uint8_t* at) {
  return static_cast<std::uint32_t>(at[0]) << 24 | static_cast<std::uint32_t>(at[1]) << 16 |
         static_cast<std::uint32_t>(at[2]) << 8 | static_cast<std::uint32_t>(at[3]);
}

/// What is in the IDAT chunks, inflated: filtered rows.
class ImageData {
 public:
  ImageData(const InputPtr& input, std::vector<Segment> segments)
      : input_(input), reader_(input, std::move(segments)), packed_(window_bytes) {
    isal_inflate_init(&inflate_);
    inflate_.crc_flag = ISAL_ZLIB;
    std::array<std::uint8_t, 8> signature{};
    take(signature);
  }

  /// Returns the bytes inflated, fewer than wanted only at the end.
  std::size_t read(std::span<std::uint8_t> to) {
    inflate_.next_out = to.data();
    inflate_.avail_out = static_cast<std::uint32_t>(to.size());
    while (inflate_.avail_out > 0 && inflate_.block_state != ISAL_BLOCK_FINISH) {
      // Inflated bytes may be left inside when there is nothing more to put in.
      const std::uint32_t before = inflate_.avail_out;
      const bool more = inflate_.avail_in > 0 || next_packed();
      check(isal_inflate(&inflate_));
      if (!more && inflate_.avail_out == before) {
        break;
      }
    }
    return to.size() - inflate_.avail_out;
  }

  /// Reads what is left, so that all checksums are seen. More data than the image has pixels is no damage.
  void finish() {
    std::array<std::uint8_t, 4096> surplus{};
    read(surplus);
    inflate_.avail_in = 0;
    while (next_packed()) {
    }
  }

 private:
  void check(int state) const {
    if (state != ISAL_DECOMP_OK && state != ISAL_END_INPUT) {
      throw damaged(*input_, ImageFormat::png,
                    state == ISAL_INCORRECT_CHECKSUM ? "the checksum of its pixel data is wrong"
                                                     : "its pixel data cannot be inflated");
    }
  }

  /// All of it, or an Error: the walk over the chunks has seen that they are there.
  void take(std::span<std::uint8_t> to) {
    if (reader_.read(std::as_writable_bytes(to)) != to.size()) {
      throw damaged(*input_, ImageFormat::png, "it ends within a chunk");
    }
  }

  /// More of what the IDAT chunks hold; false at the end of the last.
  bool next_packed() {
    while (chunk_left_ == 0 || !in_image_data_) {
      if (in_chunk_ && !end_chunk()) {
        return false;
      }
      begin_chunk();
    }
    take_part();
    inflate_.next_in = packed_.data();
    inflate_.avail_in = part_bytes_;
    return true;
  }

  void begin_chunk() {
    std::array<std::uint8_t, 8> head{};
    take(head);
    chunk_left_ = big_endian(head.data());
    checksum_ = crc32_gzip_refl(0, head.data() + 4, 4);
    in_chunk_ = true;
    in_image_data_ = std::memcmp(head.data() + 4, "IDAT", 4) == 0;
    is_last_ = std::memcmp(head.data() + 4, "IEND", 4) == 0;
  }

  /// False after the last chunk.
  bool end_chunk() {
    if (ended_) {
      return false;
    }
    while (chunk_left_ > 0) {
      take_part();
    }
    std::array<std::uint8_t, 4> stored{};
    take(stored);
    if (big_endian(stored.data()) != checksum_) {
      throw damaged(*input_, ImageFormat::png, "the checksum of one of its chunks is wrong");
    }
    ended_ = is_last_;
    return !ended_;
  }

  void take_part() {
    part_bytes_ = static_cast<std::uint32_t>(std::min<std::size_t>(chunk_left_, packed_.size()));
    take(std::span(packed_).first(part_bytes_));
    checksum_ = crc32_gzip_refl(checksum_, packed_.data(), part_bytes_);
    chunk_left_ -= part_bytes_;
  }

  InputPtr input_;
  SegmentReader reader_;
  inflate_state inflate_{};
  std::vector<std::uint8_t> packed_;
  std::uint32_t part_bytes_ = 0;
  std::uint32_t chunk_left_ = 0;
  std::uint32_t checksum_ = 0;
  bool in_chunk_ = false;
  bool in_image_data_ = false;
  bool is_last_ = false;
  bool ended_ = false;
};

/// The filters of the PNG specification (section 9) that build on the pixel to the left, undone in place.
/// `row` and `above` hold `bytes`, a multiple of `pixel`.
template <int pixel>
struct Filters {
  static void undo_sub(std::uint8_t* row, std::size_t bytes) {
    std::array<std::uint8_t, pixel> left{};
    for (std::size_t i = 0; i < bytes; i += pixel) {
      for (std::size_t k = 0; k < pixel; ++k) {
        left[k] = row[i + k] = static_cast<std::uint8_t>(row[i + k] + left[k]);
      }
    }
  }

  static void undo_average(std::uint8_t* row, const std::uint8_t* above, std::size_t bytes) {
    std::array<std::uint8_t, pixel> left{};
    for (std::size_t i = 0; i < bytes; i += pixel) {
      for (std::size_t k = 0; k < pixel; ++k) {
        left[k] = row[i + k] = static_cast<std::uint8_t>(row[i + k] + (left[k] + above[i + k]) / 2);
      }
    }
  }

  static void undo_paeth(std::uint8_t* row, const std::uint8_t* above, std::size_t bytes) {
    std::array<int, pixel> left{};
    std::array<int, pixel> corner{};
    for (std::size_t i = 0; i < bytes; i += pixel) {
      for (std::size_t k = 0; k < pixel; ++k) {
        const int up = above[i + k];
        const int to_left = std::abs(up - corner[k]);
        const int to_up = std::abs(left[k] - corner[k]);
        const int to_corner = std::abs(left[k] + up - 2 * corner[k]);
        const int upper = to_up <= to_corner ? up : corner[k];
        const int nearest = to_left <= std::min(to_up, to_corner) ? left[k] : upper;
        left[k] = (row[i + k] + nearest) & 255;
        corner[k] = up;
        row[i + k] = static_cast<std::uint8_t>(left[k]);
      }
    }
  }
};

#ifdef __x86_64__

/// The same with the samples of a pixel side by side, for processors with SSE 4.1. Each pixel waits for the
/// one before, so the chain between them is kept short.
template <int pixel>
struct VectorFilters {
  static void undo_sub(std::uint8_t* row, std::size_t bytes) {
    __m128i left = _mm_setzero_si128();
    for (std::size_t i = 0; i < bytes; i += pixel) {
      left = _mm_add_epi8(left, load(row + i));
      store(row + i, left);
    }
  }

  static void undo_average(std::uint8_t* row, const std::uint8_t* above, std::size_t bytes) {
    const __m128i ones = _mm_set1_epi8(1);
    __m128i left = _mm_setzero_si128();
    for (std::size_t i = 0; i < bytes; i += pixel) {
      const __m128i up = load(above + i);
      // The mean rounded up, less what the rounding has added.
      const __m128i rounded = _mm_and_si128(_mm_xor_si128(left, up), ones);
      left = _mm_add_epi8(_mm_sub_epi8(_mm_avg_epu8(left, up), rounded), load(row + i));
      store(row + i, left);
    }
  }

  [[gnu::target("sse4.1")]] static void undo_paeth(std::uint8_t* row, const std::uint8_t* above,
                                                   std::size_t bytes) {
    __m128i left = _mm_setzero_si128();
    __m128i corner = _mm_setzero_si128();
    for (std::size_t i = 0; i < bytes; i += pixel) {
      const __m128i up = _mm_cvtepu8_epi16(load(above + i));
      const __m128i from_left = _mm_sub_epi16(up, corner);
      const __m128i from_up = _mm_sub_epi16(left, corner);
      const __m128i to_left = _mm_abs_epi16(from_left);
      const __m128i to_up = _mm_abs_epi16(from_up);
      const __m128i to_corner = _mm_abs_epi16(_mm_add_epi16(from_left, from_up));
      const __m128i least = _mm_min_epi16(to_corner, _mm_min_epi16(to_left, to_up));
      const __m128i upper = _mm_blendv_epi8(corner, up, _mm_cmpeq_epi16(least, to_up));
      const __m128i nearest = _mm_blendv_epi8(upper, left, _mm_cmpeq_epi16(least, to_left));
      left = _mm_add_epi8(_mm_cvtepu8_epi16(load(row + i)), nearest);
      corner = up;
      store(row + i, _mm_packus_epi16(left, left));
    }
  }

 private:
  /// May read up to `slack_bytes` behind the pixel.
  static __m128i load(const std::uint8_t* from) {
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, from, pixel <= 4 ? 4 : 8);
    return _mm_cvtsi64_si128(static_cast<long long>(bytes));
  }
  static void store(std::uint8_t* to, __m128i value) {
    const std::int64_t bytes = _mm_cvtsi128_si64(value);
    std::memcpy(to, &bytes, pixel);
  }
};

bool has_vectors() { return __builtin_cpu_supports("sse4.1") != 0; }

#else

template <int pixel>
using VectorFilters = Filters<pixel>;

bool has_vectors() { return false; }

#endif

void undo_up(std::uint8_t* row, const std::uint8_t* above, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) {
    row[i] = static_cast<std::uint8_t>(row[i] + above[i]);
  }
}

/// False if there is no such filter.
template <class Filters>
bool undo_filter(int filter, std::uint8_t* row, const std::uint8_t* above, std::size_t bytes) {
  switch (filter) {
    case 0:
      return true;
    case 1:
      Filters::undo_sub(row, bytes);
      return true;
    case 2:
      undo_up(row, above, bytes);
      return true;
    case 3:
      Filters::undo_average(row, above, bytes);
      return true;
    case 4:
      Filters::undo_paeth(row, above, bytes);
      return true;
    default:
      return false;
  }
}

using UndoFilter = bool (*)(int filter, std::uint8_t* row, const std::uint8_t* above, std::size_t bytes);

template <int pixel>
UndoFilter undo_filter_of() {
  // Fewer than three samples are not worth a vector.
  return pixel >= 3 && has_vectors() ? undo_filter<VectorFilters<pixel>> : undo_filter<Filters<pixel>>;
}

UndoFilter undo_filter_for(int pixel_bytes) {
  switch (pixel_bytes) {
    case 1:
      return undo_filter_of<1>();
    case 2:
      return undo_filter_of<2>();
    case 3:
      return undo_filter_of<3>();
    case 4:
      return undo_filter_of<4>();
    case 6:
      return undo_filter_of<6>();
    default:
      return undo_filter_of<8>();
  }
}

class PlainDecoder final : public RowDecoder {
 public:
  PlainDecoder(const InputPtr& input, std::vector<Segment> segments, const ImageInfo& info)
      : input_(input),
        info_(info),
        data_(input, std::move(segments)),
        undo_filter_(undo_filter_for(info.format.bytes_per_pixel())),
        row_bytes_(static_cast<std::size_t>(info.row_bytes())),
        stride_(row_bytes_ + 1),
        capacity_(
            std::clamp<std::size_t>(window_bytes / stride_, 1, static_cast<std::size_t>(info.extent.height))),
        rows_((capacity_ + 1) * stride_ + slack_bytes, 0),
        next_(capacity_),
        filled_(capacity_) {}

  void decode(std::int64_t y, std::byte* out) override {
    if (next_ == filled_) {
      refill(y);
    }
    std::uint8_t* row = rows_.data() + (1 + next_) * stride_;
    if (!undo_filter_(row[0], row + 1, row + 1 - stride_, row_bytes_)) {
      throw damaged(*input_, ImageFormat::png,
                    fmt::format("row {} of {} has a filter that does not exist", y, info_.extent.height));
    }
    ++next_;
    if (info_.format.depth == Depth::u8) {
      std::memcpy(out, row + 1, row_bytes_);
    } else {
      store_wide(row + 1, out);
    }
  }

  void finish() override { data_.finish(); }

 private:
  /// Keeps the last row, which the next one builds on.
  void refill(std::int64_t y) {
    std::copy_n(rows_.data() + filled_ * stride_, stride_, rows_.data());
    const std::size_t wanted = std::min(capacity_, static_cast<std::size_t>(info_.extent.height - y));
    filled_ = data_.read(std::span(rows_).subspan(stride_, wanted * stride_)) / stride_;
    next_ = 0;
    if (filled_ == 0) {
      throw damaged(*input_, ImageFormat::png,
                    fmt::format("its pixel data ends before row {} of {}", y, info_.extent.height));
    }
  }

  void store_wide(const std::uint8_t* row, std::byte* out) const {
    for (std::size_t i = 0; i < row_bytes_; i += 2) {
      const auto sample = static_cast<std::uint16_t>(row[i] << 8 | row[i + 1]);
      std::memcpy(out + i, &sample, sizeof sample);
    }
  }

  InputPtr input_;
  ImageInfo info_;
  ImageData data_;
  UndoFilter undo_filter_;
  std::size_t row_bytes_;
  std::size_t stride_;    ///< a row and the number of its filter before it
  std::size_t capacity_;  ///< in rows
  /// The last row of those before, then rows as they are inflated, unfiltered one by one.
  std::vector<std::uint8_t> rows_;
  std::size_t next_;
  std::size_t filled_;
};

}  // namespace

bool is_plain(const PngLayout& layout) {
  constexpr int palette = 3;
  return !layout.interlaced && !layout.transparency && layout.color_type != palette &&
         (layout.bit_depth == 8 || layout.bit_depth == 16);
}

std::unique_ptr<RowDecoder> make_plain_png_decoder(const InputPtr& input, PngLayout layout,
                                                   const ImageInfo& info) {
  return std::make_unique<PlainDecoder>(input, std::move(layout.needed), info);
}

}  // namespace tessera
