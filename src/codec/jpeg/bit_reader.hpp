// SPDX-License-Identifier: Apache-2.0
// The bits of entropy-coded bytes without stuffed zeros, 56 or more at a time.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "codec/jpeg/huffman.hpp"

namespace tessera {

/// The bits that come next, from the highest on.
struct BitReader {
  const std::uint8_t* at;
  std::uint64_t bits;
  int count;  ///< of them, counted as read from `at`; those below are right too

  static constexpr int least_bits = 56;  ///< behind a refill

  /// At least least_bits. After Fabian Giesen, "Reading bits in far too many ways", variant 4.
  [[gnu::always_inline]] void refill() {
    std::uint64_t next = 0;
    std::memcpy(&next, at, sizeof next);
    if constexpr (std::endian::native == std::endian::little) {
      next = __builtin_bswap64(next);
    }
    bits |= next >> count;
    at += (63 - count) >> 3;
    count |= 56;
  }
  template <class Entry>
  [[gnu::always_inline]] void drop(Entry entry) {
    bits = entry.shift(bits);
    count -= entry.bits();
  }
  void unread(const HuffmanTable::EndCode& code) {
    bits = bits >> code.bits | code.aligned;
    count += code.bits;
  }
};

}  // namespace tessera
