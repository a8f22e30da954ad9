// SPDX-License-Identifier: Apache-2.0
// What many threads do of a JPEG with vectors (AVX2): each gives the bits that libjpeg-turbo gives.
#pragma once

#include <array>
#include <cstdint>

#include "codec/jpeg/entropy.hpp"

namespace tessera {

/// Whether this machine has them. Without, none of the others may be called.
[[nodiscard]] bool has_jpeg_vectors();

/// Blocks that are transformed at once.
constexpr int jpeg_pair = 2;
/// The coefficients of two blocks, or quantizers for both: a row of the one, the same row of the other, the
/// next row.
struct alignas(32) JpegPair {
  std::array<std::int16_t, std::size_t{jpeg_block_side} * jpeg_block_side * jpeg_pair> values{};
};

/// Dequantizes two blocks and makes 8 lines of 16 samples of them, side by side, `stride` apart. The accurate
/// integer transform of libjpeg's jidctint.c, with the overflows of libjpeg-turbo's jidctint-avx2.asm.
void transform_jpeg_pair(const JpegPair& coefficients, const JpegPair& quantizers, std::uint8_t* out,
                         std::int64_t stride);

/// One sample of a block that has no coefficient but its first, as transform_jpeg_pair() makes it.
[[nodiscard]] std::uint8_t flat_jpeg_sample(std::int16_t coefficient, std::int16_t quantizer);

/// Samples that may be read and written before and behind the rows below.
constexpr std::int64_t jpeg_slack = 64;

/// The smooth upsampling of libjpeg's jdsample.c: a row of `count` samples becomes one of twice as many, each
/// made of three quarters of the nearer and one of the farther neighbour. The samples before the first and
/// behind the last are equal to them.
void double_jpeg_columns(const std::uint16_t* samples, std::int64_t count, std::uint8_t* out);
/// The same of sums of three quarters of the nearer and one of the farther row.
void double_jpeg_sums(const std::uint16_t* sums, std::int64_t count, std::uint8_t* out);

/// JFIF's YCbCr to RGB, as libjpeg's jdcolor.c does it. Nothing is written behind the last pixel.
void jpeg_row_to_rgb(const std::uint8_t* luma, const std::uint8_t* blue, const std::uint8_t* red,
                     std::int64_t width, std::uint8_t* out);

}  // namespace tessera
