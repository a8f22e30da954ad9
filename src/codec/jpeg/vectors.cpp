// SPDX-License-Identifier: Apache-2.0
#include "codec/jpeg/vectors.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace tessera {

#ifdef __x86_64__

namespace {

constexpr int side = jpeg_block_side;

/// Constants of Loeffler, Ligtenberg and Moschytz, "Practical fast 1-D DCT algorithms with 11
/// multiplications" (1989), in 13 bits behind the point, as in libjpeg's jidctint.c.
constexpr int constant_bits = 13;
constexpr int pass_bits = 2;
constexpr int f_0_298 = 2446;
constexpr int f_0_390 = 3196;
constexpr int f_0_541 = 4433;
constexpr int f_0_765 = 6270;
constexpr int f_0_899 = 7373;
constexpr int f_1_175 = 9633;
constexpr int f_1_501 = 12299;
constexpr int f_1_847 = 15137;
constexpr int f_1_961 = 16069;
constexpr int f_2_053 = 16819;
constexpr int f_2_562 = 20995;
constexpr int f_3_072 = 25172;

/// A row of both blocks.
struct Row {
  __m256i samples;
};
using Rows = std::array<Row, side>;

struct Halves {
  __m256i low;
  __m256i high;
};
[[gnu::target("avx2"), gnu::always_inline]] inline Halves operator+(const Halves& a, const Halves& b) {
  return {_mm256_add_epi32(a.low, b.low), _mm256_add_epi32(a.high, b.high)};
}
[[gnu::target("avx2"), gnu::always_inline]] inline Halves operator-(const Halves& a, const Halves& b) {
  return {_mm256_sub_epi32(a.low, b.low), _mm256_sub_epi32(a.high, b.high)};
}
/// For _mm256_madd_epi16, with x and y in turn.
[[gnu::target("avx2"), gnu::always_inline]] inline __m256i weights_of(int x, int y) {
  return _mm256_set1_epi32(
      static_cast<int>(static_cast<std::uint32_t>(y) << 16 | static_cast<std::uint16_t>(x)));
}
/// a * x + b * y in 32 bits.
[[gnu::target("avx2"), gnu::always_inline]] inline Halves weighted(__m256i x, __m256i y, int a, int b) {
  const __m256i weights = weights_of(a, b);
  return {_mm256_madd_epi16(_mm256_unpacklo_epi16(x, y), weights),
          _mm256_madd_epi16(_mm256_unpackhi_epi16(x, y), weights)};
}
/// x with constant_bits behind the point.
[[gnu::target("avx2"), gnu::always_inline]] inline Halves scaled(__m256i x) {
  const __m256i none = _mm256_setzero_si256();
  return {_mm256_srai_epi32(_mm256_unpacklo_epi16(none, x), 16 - constant_bits),
          _mm256_srai_epi32(_mm256_unpackhi_epi16(none, x), 16 - constant_bits)};
}
/// Without the bits behind the point.
template <int Bits>
[[gnu::target("avx2"), gnu::always_inline]] inline __m256i cut(const Halves& sum) {
  return _mm256_packs_epi32(_mm256_srai_epi32(sum.low, Bits), _mm256_srai_epi32(sum.high, Bits));
}

/// One pass over the columns. What wraps and what saturates is as in libjpeg-turbo's jidctint-avx2.asm.
template <int Bits>
[[gnu::target("avx2"), gnu::always_inline]] inline void transform_columns(Rows& rows) {
  const __m256i in0 = rows[0].samples;
  const __m256i in1 = rows[1].samples;
  const __m256i in2 = rows[2].samples;
  const __m256i in3 = rows[3].samples;
  const __m256i in4 = rows[4].samples;
  const __m256i in5 = rows[5].samples;
  const __m256i in6 = rows[6].samples;
  const __m256i in7 = rows[7].samples;
  const Halves even2 = weighted(in2, in6, f_0_541, f_0_541 - f_1_847);
  const Halves even3 = weighted(in2, in6, f_0_541 + f_0_765, f_0_541);
  // What rounds the results is in each of them once.
  const __m256i half = _mm256_set1_epi32(1 << (Bits - 1));
  const Halves even0 = scaled(_mm256_add_epi16(in0, in4)) + Halves{half, half};
  const Halves even1 = scaled(_mm256_sub_epi16(in0, in4)) + Halves{half, half};
  const Halves sum0 = even0 + even3;
  const Halves sum3 = even0 - even3;
  const Halves sum1 = even1 + even2;
  const Halves sum2 = even1 - even2;

  const __m256i z3 = _mm256_add_epi16(in7, in3);
  const __m256i z4 = _mm256_add_epi16(in5, in1);
  const Halves both3 = weighted(z3, z4, f_1_175 - f_1_961, f_1_175);
  const Halves both4 = weighted(z3, z4, f_1_175, f_1_175 - f_0_390);
  const Halves odd0 = weighted(in7, in1, f_0_298 - f_0_899, -f_0_899) + both3;
  const Halves odd1 = weighted(in5, in3, f_2_053 - f_2_562, -f_2_562) + both4;
  const Halves odd2 = weighted(in5, in3, -f_2_562, f_3_072 - f_2_562) + both3;
  const Halves odd3 = weighted(in7, in1, -f_0_899, f_1_501 - f_0_899) + both4;

  rows = {Row{cut<Bits>(sum0 + odd3)}, Row{cut<Bits>(sum1 + odd2)}, Row{cut<Bits>(sum2 + odd1)},
          Row{cut<Bits>(sum3 + odd0)}, Row{cut<Bits>(sum3 - odd0)}, Row{cut<Bits>(sum2 - odd1)},
          Row{cut<Bits>(sum1 - odd2)}, Row{cut<Bits>(sum0 - odd3)}};
}

/// Both blocks.
[[gnu::target("avx2"), gnu::always_inline]] inline void transpose(Rows& r) {
  const __m256i a0 = _mm256_unpacklo_epi16(r[0].samples, r[1].samples);
  const __m256i a1 = _mm256_unpackhi_epi16(r[0].samples, r[1].samples);
  const __m256i a2 = _mm256_unpacklo_epi16(r[2].samples, r[3].samples);
  const __m256i a3 = _mm256_unpackhi_epi16(r[2].samples, r[3].samples);
  const __m256i a4 = _mm256_unpacklo_epi16(r[4].samples, r[5].samples);
  const __m256i a5 = _mm256_unpackhi_epi16(r[4].samples, r[5].samples);
  const __m256i a6 = _mm256_unpacklo_epi16(r[6].samples, r[7].samples);
  const __m256i a7 = _mm256_unpackhi_epi16(r[6].samples, r[7].samples);
  const __m256i b0 = _mm256_unpacklo_epi32(a0, a2);
  const __m256i b1 = _mm256_unpackhi_epi32(a0, a2);
  const __m256i b2 = _mm256_unpacklo_epi32(a1, a3);
  const __m256i b3 = _mm256_unpackhi_epi32(a1, a3);
  const __m256i b4 = _mm256_unpacklo_epi32(a4, a6);
  const __m256i b5 = _mm256_unpackhi_epi32(a4, a6);
  const __m256i b6 = _mm256_unpacklo_epi32(a5, a7);
  const __m256i b7 = _mm256_unpackhi_epi32(a5, a7);
  r = {Row{_mm256_unpacklo_epi64(b0, b4)}, Row{_mm256_unpackhi_epi64(b0, b4)},
       Row{_mm256_unpacklo_epi64(b1, b5)}, Row{_mm256_unpackhi_epi64(b1, b5)},
       Row{_mm256_unpacklo_epi64(b2, b6)}, Row{_mm256_unpackhi_epi64(b2, b6)},
       Row{_mm256_unpacklo_epi64(b3, b7)}, Row{_mm256_unpackhi_epi64(b3, b7)}};
}

[[gnu::target("avx2"), gnu::always_inline]] inline __m256i load16(const std::uint16_t* from) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
}

/// Rounded by `Even` and `Odd` in turn.
template <int Bits, int Even, int Odd>
[[gnu::target("avx2")]] void double_columns(const std::uint16_t* from, std::int64_t count, std::uint8_t* to) {
  constexpr int lanes = 16;
  for (std::int64_t x = 0; x < count; x += lanes) {
    const __m256i sum = load16(from + x);
    const __m256i triple = _mm256_add_epi16(sum, _mm256_add_epi16(sum, sum));
    const __m256i even = _mm256_srli_epi16(
        _mm256_add_epi16(_mm256_add_epi16(triple, load16(from + x - 1)), _mm256_set1_epi16(Even)), Bits);
    const __m256i odd = _mm256_srli_epi16(
        _mm256_add_epi16(_mm256_add_epi16(triple, load16(from + x + 1)), _mm256_set1_epi16(Odd)), Bits);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + 2 * x),
                        _mm256_or_si256(even, _mm256_slli_epi16(odd, 8)));
  }
}

/// c * f / 65536, rounded: (2 c * f / 65536 + 1) / 2.
[[gnu::target("avx2"), gnu::always_inline]] inline __m256i times(__m256i c, int f) {
  const __m256i twice = _mm256_mulhi_epi16(_mm256_add_epi16(c, c), _mm256_set1_epi16(static_cast<short>(f)));
  return _mm256_srai_epi16(_mm256_add_epi16(twice, _mm256_set1_epi16(1)), 1);
}
[[gnu::target("avx2"), gnu::always_inline]] inline __m128i narrowed(__m256i wide) {
  return _mm_packus_epi16(_mm256_castsi256_si128(wide), _mm256_extracti128_si256(wide, 1));
}
[[gnu::target("avx2"), gnu::always_inline]] inline __m128i load16(const std::uint8_t* from) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
}

/// 16 pixels of JFIF's YCbCr to RGB: jdcolor.c, whose fixed point is written so that 16 bits are enough.
[[gnu::target("avx2"), gnu::always_inline]] inline void to_rgb16(__m128i luma, __m128i blue, __m128i red,
                                                                 std::uint8_t* out) {
  const __m256i middle = _mm256_set1_epi16(128);
  const __m256i y = _mm256_cvtepu8_epi16(luma);
  const __m256i cb = _mm256_sub_epi16(_mm256_cvtepu8_epi16(blue), middle);
  const __m256i cr = _mm256_sub_epi16(_mm256_cvtepu8_epi16(red), middle);
  constexpr int f_0_402 = 26345;
  constexpr int f_0_228 = 14942;
  constexpr int f_0_344 = 22554;
  constexpr int f_0_285 = 18734;
  const __m256i r = _mm256_add_epi16(y, _mm256_add_epi16(cr, times(cr, f_0_402)));
  const __m256i b = _mm256_add_epi16(y, _mm256_add_epi16(_mm256_add_epi16(cb, cb), times(cb, -f_0_228)));
  const __m256i weights = weights_of(-f_0_344, f_0_285);
  const __m256i half = _mm256_set1_epi32(1 << 15);
  const __m256i low = _mm256_madd_epi16(_mm256_unpacklo_epi16(cb, cr), weights);
  const __m256i high = _mm256_madd_epi16(_mm256_unpackhi_epi16(cb, cr), weights);
  const __m256i green = _mm256_packs_epi32(_mm256_srai_epi32(_mm256_add_epi32(low, half), 16),
                                           _mm256_srai_epi32(_mm256_add_epi32(high, half), 16));
  const __m256i g = _mm256_add_epi16(y, _mm256_sub_epi16(green, cr));

  const __m128i rs = narrowed(r);
  const __m128i gs = narrowed(g);
  const __m128i bs = narrowed(b);
  // Each of the three stores takes every third byte from one of them.
  constexpr char no = -1;
  const __m128i r0 = _mm_setr_epi8(0, no, no, 1, no, no, 2, no, no, 3, no, no, 4, no, no, 5);
  const __m128i g0 = _mm_setr_epi8(no, 0, no, no, 1, no, no, 2, no, no, 3, no, no, 4, no, no);
  const __m128i b0 = _mm_setr_epi8(no, no, 0, no, no, 1, no, no, 2, no, no, 3, no, no, 4, no);
  const __m128i r1 = _mm_setr_epi8(no, no, 6, no, no, 7, no, no, 8, no, no, 9, no, no, 10, no);
  const __m128i g1 = _mm_setr_epi8(5, no, no, 6, no, no, 7, no, no, 8, no, no, 9, no, no, 10);
  const __m128i b1 = _mm_setr_epi8(no, 5, no, no, 6, no, no, 7, no, no, 8, no, no, 9, no, no);
  const __m128i r2 = _mm_setr_epi8(no, 11, no, no, 12, no, no, 13, no, no, 14, no, no, 15, no, no);
  const __m128i g2 = _mm_setr_epi8(no, no, 11, no, no, 12, no, no, 13, no, no, 14, no, no, 15, no);
  const __m128i b2 = _mm_setr_epi8(10, no, no, 11, no, no, 12, no, no, 13, no, no, 14, no, no, 15);
  auto* const to = reinterpret_cast<__m128i*>(out);
  _mm_storeu_si128(to, _mm_or_si128(_mm_shuffle_epi8(rs, r0),
                                    _mm_or_si128(_mm_shuffle_epi8(gs, g0), _mm_shuffle_epi8(bs, b0))));
  _mm_storeu_si128(to + 1, _mm_or_si128(_mm_shuffle_epi8(rs, r1),
                                        _mm_or_si128(_mm_shuffle_epi8(gs, g1), _mm_shuffle_epi8(bs, b1))));
  _mm_storeu_si128(to + 2, _mm_or_si128(_mm_shuffle_epi8(rs, r2),
                                        _mm_or_si128(_mm_shuffle_epi8(gs, g2), _mm_shuffle_epi8(bs, b2))));
}

}  // namespace

bool has_jpeg_vectors() { return __builtin_cpu_supports("avx2") != 0; }

[[gnu::target("avx2")]] void transform_jpeg_pair(const JpegPair& coefficients, const JpegPair& quantizers,
                                                 std::uint8_t* out, std::int64_t stride) {
  const auto* const from = reinterpret_cast<const __m256i*>(coefficients.values.data());
  const auto* const steps = reinterpret_cast<const __m256i*>(quantizers.values.data());
  Rows rows;
  __m256i below = _mm256_setzero_si256();
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const __m256i stored = _mm256_load_si256(from + row);
    below = row > 0 ? _mm256_or_si256(below, stored) : below;
    rows[row].samples = _mm256_mullo_epi16(stored, _mm256_load_si256(steps + row));
  }
  // A block with nothing below its first row takes a short cut in libjpeg-turbo, which differs where 16 bits
  // are too few.
  const __m256i wide = _mm256_or_si256(below, _mm256_shuffle_epi32(below, 0x4E));
  const __m256i all = _mm256_or_si256(wide, _mm256_shuffle_epi32(wide, 0xB1));
  const __m256i flat = _mm256_cmpeq_epi32(all, _mm256_setzero_si256());
  const Row shortcut{_mm256_slli_epi16(rows[0].samples, pass_bits)};
  const auto flat_bits = static_cast<unsigned>(_mm256_movemask_epi8(flat));
  if (flat_bits == ~0U) {
    rows.fill(shortcut);
  } else {
    transform_columns<constant_bits - pass_bits>(rows);
    if (flat_bits != 0) {
      for (Row& row : rows) {
        row.samples = _mm256_blendv_epi8(row.samples, shortcut.samples, flat);
      }
    }
  }
  transpose(rows);
  transform_columns<constant_bits + pass_bits + 3>(rows);
  transpose(rows);
  const __m256i middle = _mm256_set1_epi8(static_cast<char>(0x80));
  for (std::size_t row = 0; row < rows.size(); row += 2) {
    const __m256i two = _mm256_add_epi8(_mm256_packs_epi16(rows[row].samples, rows[row + 1].samples), middle);
    // A quarter has a row of one block; both blocks' are to be neighbours.
    const __m256i neighbours = _mm256_permute4x64_epi64(two, 0xD8);
    std::uint8_t* const line = out + static_cast<std::int64_t>(row) * stride;
    _mm_storeu_si128(reinterpret_cast<__m128i*>(line), _mm256_castsi256_si128(neighbours));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(line + stride), _mm256_extracti128_si256(neighbours, 1));
  }
}

std::uint8_t flat_jpeg_sample(std::int16_t coefficient, std::int16_t quantizer) {
  const auto level =
      static_cast<std::int16_t>(static_cast<std::int16_t>(coefficient * quantizer) * (1 << pass_bits));
  constexpr int bits = pass_bits + 3;
  return static_cast<std::uint8_t>(std::clamp(((level + (1 << (bits - 1))) >> bits) + 128, 0, 255));
}

void double_jpeg_columns(const std::uint16_t* samples, std::int64_t count, std::uint8_t* out) {
  double_columns<2, 1, 2>(samples, count, out);
}

void double_jpeg_sums(const std::uint16_t* sums, std::int64_t count, std::uint8_t* out) {
  double_columns<4, 8, 7>(sums, count, out);
}

[[gnu::target("avx2")]] void jpeg_row_to_rgb(const std::uint8_t* luma, const std::uint8_t* blue,
                                             const std::uint8_t* red, std::int64_t width, std::uint8_t* out) {
  constexpr int pixels = 16;
  std::int64_t x = 0;
  for (; x + pixels <= width; x += pixels) {
    to_rgb16(load16(luma + x), load16(blue + x), load16(red + x), out + 3 * x);
  }
  if (x < width) {
    std::array<std::uint8_t, std::size_t{3} * pixels> last{};
    to_rgb16(load16(luma + x), load16(blue + x), load16(red + x), last.data());
    std::memcpy(out + 3 * x, last.data(), static_cast<std::size_t>(3 * (width - x)));
  }
}

#else

bool has_jpeg_vectors() { return false; }
void transform_jpeg_pair(const JpegPair&, const JpegPair&, std::uint8_t*, std::int64_t) { std::abort(); }
std::uint8_t flat_jpeg_sample(std::int16_t, std::int16_t) { std::abort(); }
void double_jpeg_columns(const std::uint16_t*, std::int64_t, std::uint8_t*) { std::abort(); }
void double_jpeg_sums(const std::uint16_t*, std::int64_t, std::uint8_t*) { std::abort(); }
void jpeg_row_to_rgb(const std::uint8_t*, const std::uint8_t*, const std::uint8_t*, std::int64_t,
                     std::uint8_t*) {
  std::abort();
}

#endif

}  // namespace tessera
