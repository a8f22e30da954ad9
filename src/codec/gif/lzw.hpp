// SPDX-License-Identifier: Apache-2.0
// The codes of GIF pictures.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "codec/io/input.hpp"

namespace tessera {

class GifLzw {
 public:
  /// Bits of the samples; codes begin with one more.
  static constexpr int max_first_bits = 11;

  /// `stream` is at the first block of codes.
  GifLzw(InputStream stream, int first_bits);
  /// Fills `to` and returns how many samples there were: fewer where the codes end or make no sense. An end
  /// code is not needed. Once.
  std::size_t read(std::span<std::uint16_t> to);
  /// Whether read() met a code that cannot be.
  [[nodiscard]] bool wrong() const { return wrong_; }

 private:
  static constexpr int max_bits = 12;
  static constexpr int max_codes = 1 << max_bits;

  int next_code();
  int next_byte();
  void clear();
  /// The samples that a code stands for, from the first on. Returns the first.
  std::uint16_t unfold(int code, std::span<std::uint16_t> to, std::size_t& at) const;

  InputStream stream_;
  int block_left_ = 0;
  std::uint32_t bits_ = 0;
  int bit_count_ = 0;
  int first_bits_;
  int code_bits_ = 0;
  int codes_ = 0;  ///< known so far
  bool wrong_ = false;
  std::array<std::int16_t, max_codes> prefix_{};
  std::array<std::uint16_t, max_codes> last_{};
  std::array<std::uint16_t, max_codes> length_{};
};

}  // namespace tessera
