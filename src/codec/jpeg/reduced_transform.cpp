// SPDX-License-Identifier: Apache-2.0
#include "codec/jpeg/reduced_transform.hpp"

#include <bit>
#include <cstring>
#include <utility>

#include "codec/jpeg/vectors.hpp"

namespace tessera {
namespace {

/// One number of each of eight neighbouring blocks. The compiler makes instructions of any processor of them. Unsigned,
/// because their arithmetic is modulo 2^32.
constexpr int lanes = JpegFrequencies::blocks_at_once;
template <class T>
using Vector [[gnu::vector_size(lanes * sizeof(T))]] = T;
using Words = Vector<std::uint32_t>;
using SignedWords = Vector<std::int32_t>;

constexpr int constant_bits = 13;
constexpr int pass_bits = 4;

/// sqrt(2) cos((2 x + 1) u pi / (2 n)) for the odd u = 2 i + 1, in constant_bits behind the point, at
/// [x * n / 2 + i]: what an odd frequency adds to the first half of n samples.
template <int n>
constexpr std::array<int, std::size_t{n / 2} * (n / 2)> odd_constants{};
template <>
constexpr std::array<int, 4> odd_constants<4>{10703, 4433, 4433, -10703};
template <>
constexpr std::array<int, 16> odd_constants<8>{11363, 9633,   6436, 2260, 9633, -2260, -11363, -6436,
                                               6436,  -11363, 2260, 9633, 2260, -6436, 9633,   -11363};

/// Numbers of one column or row, before and behind the transform.
template <int n>
using Line = std::array<Words, n>;

/// Samples of n frequencies, times 2^constant_bits (n > 2; else times 1), without the factor sqrt(1/8) of a block of 8.
/// A transform of half the size over the even frequencies gives what both halves share.
template <int n>
[[gnu::always_inline]] inline void transform(Line<n>& line) {
  if constexpr (n == 2) {
    const Words sum = line[0] + line[1];
    line[1] = line[0] - line[1];
    line[0] = sum;
  } else if constexpr (n > 2) {
    constexpr int half = n / 2;
    Line<half> even;
    for (std::size_t i = 0; i < half; ++i) {
      even[i] = line[2 * i];
    }
    transform<half>(even);
    Line<half> odd;
    for (std::size_t x = 0; x < half; ++x) {
      odd[x] = line[1] * static_cast<std::uint32_t>(odd_constants<n>[x * half]);
      for (std::size_t i = 1; i < half; ++i) {
        odd[x] += line[2 * i + 1] * static_cast<std::uint32_t>(odd_constants<n>[x * half + i]);
      }
      if constexpr (half <= 2) {
        even[x] <<= constant_bits;
      }
    }
    for (std::size_t x = 0; x < half; ++x) {
      line[x] = even[x] + odd[x];
      line[n - 1 - x] = even[x] - odd[x];
    }
  }
}

/// Bits behind the point that transform() adds.
template <int n>
constexpr int added_bits = n > 2 ? constant_bits : 0;

/// These take references because a vector by value is passed differently with and without AVX.
template <int bits>
[[gnu::always_inline]] inline void drop_bits(Words& value) {
  if constexpr (bits > 0) {
    const Words sum = value + (1U << (bits - 1));
    value = reinterpret_cast<Words>(reinterpret_cast<SignedWords>(sum) >> bits);
  } else {
    value <<= -bits;
  }
}

[[gnu::always_inline]] inline void limit(SignedWords& value, std::int32_t least, std::int32_t most) {
  value = value < least ? SignedWords{} + least : value;
  value = value > most ? SignedWords{} + most : value;
}

/// Samples of neighbouring columns, which are bytes, next to each other in the order of memory.
template <int columns>
[[gnu::always_inline]] inline void store(const std::array<SignedWords, columns>& samples, std::uint8_t* out) {
  constexpr std::size_t together = columns < 4 ? columns : 4;
  std::array<Words, columns / together> packed{};
  for (std::size_t x = 0; x < columns; ++x) {
    const std::size_t byte =
        std::endian::native == std::endian::little ? x % together : together - 1 - x % together;
    packed[x / together] |= reinterpret_cast<Words>(samples[x]) << static_cast<std::uint32_t>(8 * byte);
  }
  if constexpr (columns == 1) {
    const auto bytes = __builtin_convertvector(packed[0], Vector<std::uint8_t>);
    std::memcpy(out, &bytes, sizeof bytes);
  } else if constexpr (columns == 2) {
    const auto pairs = __builtin_convertvector(packed[0], Vector<std::uint16_t>);
    std::memcpy(out, &pairs, sizeof pairs);
  } else if constexpr (columns == 4) {
    std::memcpy(out, packed.data(), sizeof packed[0]);
  } else {
    for (std::size_t lane = 0; lane < lanes; ++lane, out += columns) {
      const std::array<std::uint32_t, 2> line{packed[0][lane], packed[1][lane]};
      std::memcpy(out, line.data(), sizeof line);
    }
  }
}

/// Eight blocks.
template <int rows, int columns>
[[gnu::always_inline]] inline void transform_blocks(const std::int16_t* planes, std::size_t plane_size,
                                                    const std::int32_t* quantizers, std::uint8_t* out,
                                                    std::int64_t stride) {
  constexpr std::int32_t largest = (1 << 13) - 1;
  std::array<Line<columns>, rows> block;
  for (std::size_t u = 0; u < columns; ++u) {
    Line<rows> column;
    for (std::size_t v = 0; v < rows; ++v) {
      Vector<std::int16_t> stored;
      const std::size_t plane = v * columns + u;
      std::memcpy(&stored, planes + plane * plane_size, sizeof stored);
      SignedWords wide = __builtin_convertvector(stored, SignedWords) * quantizers[plane];
      limit(wide, -largest, largest);
      column[v] = reinterpret_cast<Words>(wide);
    }
    transform<rows>(column);
    for (std::size_t y = 0; y < rows; ++y) {
      drop_bits<added_bits<rows> - pass_bits>(column[y]);
      block[y][u] = column[y];
    }
  }
  for (Line<columns>& line : block) {
    transform<columns>(line);
    std::array<SignedWords, columns> samples;
    for (std::size_t x = 0; x < columns; ++x) {
      constexpr int eighth = 3;
      constexpr std::int32_t middle = 128;
      drop_bits<added_bits<columns> + pass_bits + eighth>(line[x]);
      samples[x] = reinterpret_cast<SignedWords>(line[x]) + middle;
      limit(samples[x], 0, 255);
    }
    store<columns>(samples, out);
    out += stride;
  }
}

template <int rows, int columns>
[[gnu::always_inline]] inline void transform_line(const std::int16_t* planes, std::size_t plane_size,
                                                  const std::int32_t* quantizers, std::int64_t count,
                                                  std::uint8_t* out, std::int64_t stride) {
  for (std::int64_t block = 0; block < count; block += lanes) {
    transform_blocks<rows, columns>(planes + block, plane_size, quantizers, out + block * columns, stride);
  }
}

/// transform_line() by the instructions that every processor has, and by wider ones.
struct Plain {
  template <int rows, int columns>
  static void run(const std::int16_t* planes, std::size_t plane_size, const std::int32_t* quantizers,
                  std::int64_t count, std::uint8_t* out, std::int64_t stride) {
    transform_line<rows, columns>(planes, plane_size, quantizers, count, out, stride);
  }
};
#ifdef __x86_64__
struct Wide {
  template <int rows, int columns>
  [[gnu::target("avx2")]] static void run(const std::int16_t* planes, std::size_t plane_size,
                                          const std::int32_t* quantizers, std::int64_t count,
                                          std::uint8_t* out, std::int64_t stride) {
    transform_line<rows, columns>(planes, plane_size, quantizers, count, out, stride);
  }
};
#else
using Wide = Plain;
#endif

/// Calls `take` with both sides as constants.
template <class Take>
void for_sides(ReducedBlock block, const Take& take) {
  const auto for_columns = [&](auto rows) {
    switch (block.columns) {
      case 1:
        return take(rows, std::integral_constant<int, 1>());
      case 2:
        return take(rows, std::integral_constant<int, 2>());
      case 4:
        return take(rows, std::integral_constant<int, 4>());
      default:
        return take(rows, std::integral_constant<int, 8>());
    }
  };
  switch (block.rows) {
    case 1:
      return for_columns(std::integral_constant<int, 1>());
    case 2:
      return for_columns(std::integral_constant<int, 2>());
    case 4:
      return for_columns(std::integral_constant<int, 4>());
    default:
      return for_columns(std::integral_constant<int, 8>());
  }
}

}  // namespace

ReducedTransform::ReducedTransform(ReducedBlock block, const std::array<std::uint16_t, 64>& quantizers)
    : block_(block) {
  for (int plane = 0; plane < block.samples(); ++plane) {
    const int place = plane / block.columns * jpeg_block_side + plane % block.columns;
    quantizers_[static_cast<std::size_t>(plane)] = quantizers[static_cast<std::size_t>(place)];
  }
}

void ReducedTransform::run(const std::int16_t* planes, std::size_t plane_size, std::int64_t count,
                           std::uint8_t* out, std::int64_t stride) const {
  for_sides(block_, [&](auto rows, auto columns) {
    if (has_jpeg_vectors()) {
      Wide::run<rows.value, columns.value>(planes, plane_size, quantizers_.data(), count, out, stride);
    } else {
      Plain::run<rows.value, columns.value>(planes, plane_size, quantizers_.data(), count, out, stride);
    }
  });
}

}  // namespace tessera
