// SPDX-License-Identifier: Apache-2.0
// Huffman codes of a JPEG (ITU-T T.81, annexes C and F.2.2), looked up in tables: a code and the number behind it,
// or, of coefficients that nobody wants, several codes and their numbers.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

namespace tessera {

/// A table as a DHT marker has it.
struct HuffmanSpec {
  std::array<std::uint8_t, 17> codes_of_length{};  ///< [1..16]
  std::array<std::uint8_t, 256> symbols{};
  bool operator==(const HuffmanSpec&) const = default;
};

/// What the next bits mean, in one word: how many of them there are (low byte), by how many places the
/// coefficient is farther than the last one (next byte), and the coefficient (upper half).
class HuffmanEntry {
 public:
  /// Added to the places if the block ends behind the coefficient.
  static constexpr int ends_block = 128;
  /// The places where the block ends without one.
  static constexpr int end_of_block = ends_block + 100;

  HuffmanEntry() = default;
  HuffmanEntry(int number, int places, int bits)
      : word_(static_cast<std::uint32_t>(number) << 16 | static_cast<std::uint32_t>(places << 8 | bits)) {}
  [[nodiscard]] int bits() const { return static_cast<int>(word_ & 0xFF); }
  [[nodiscard]] int places() const { return static_cast<int>(word_ >> 8 & 0xFF); }
  [[nodiscard]] int number() const { return static_cast<std::int16_t>(word_ >> 16); }
  /// The bits behind these. A shift by the lowest bits of a word needs no other instruction.
  [[nodiscard]] std::uint64_t shift(std::uint64_t bits) const { return bits << (word_ & 63); }

 private:
  std::uint32_t word_ = 0;
};

/// Several codes with the numbers behind them, of coefficients that are left out: how many bits they take, and by how
/// many places they move on, as in HuffmanEntry.
class HuffmanSkip {
 public:
  HuffmanSkip() = default;
  HuffmanSkip(int places, int bits) : word_(static_cast<std::uint16_t>(places << 8 | bits)) {}
  [[nodiscard]] int bits() const { return word_ & 0xFF; }
  [[nodiscard]] int places() const { return word_ >> 8; }
  [[nodiscard]] std::uint64_t shift(std::uint64_t bits) const { return bits << (word_ & 63); }

 private:
  std::uint16_t word_ = 0;
};

/// Decodes what most codes and the numbers behind them are in one look.
class HuffmanTable {
 public:
  /// Bits that are looked at.
  static constexpr int looked_at = 11;

  /// `dc`: symbols are the lengths of differences; else runs and lengths. Empty if no codes are like that.
  [[nodiscard]] static std::optional<HuffmanTable> make(const HuffmanSpec& spec, bool dc);
  /// An entry of no bits where the next code and its number are longer.
  [[nodiscard]] HuffmanEntry look(std::uint64_t bits) const { return quick_[bits >> (64 - looked_at)]; }
  /// Any code, from 64 bits of which at least 31 are real. Nothing where no code is like that.
  [[nodiscard]] std::optional<HuffmanEntry> decode(std::uint64_t bits) const {
    const Code known = codes_[bits >> (64 - looked_at)];
    if (known.bits > 0) [[likely]] {
      return entry(known, bits);
    }
    const Code longer = code(bits);
    return longer.bits > 0 ? std::optional(entry(longer, bits)) : std::nullopt;
  }
  /// The same, if the code itself is among the first `known_bits`; the number behind it need not be.
  [[nodiscard]] std::optional<HuffmanEntry> decode_within(std::uint64_t bits, int known_bits) const;

  /// The code that ends a block, behind which come zeros.
  struct EndCode {
    std::uint64_t aligned = 0;
    int bits = 0;
  };
  [[nodiscard]] const EndCode& end_code() const { return end_code_; }

 private:
  struct Code {
    std::uint8_t bits = 0;    ///< 0: longer than what was looked at, or none
    std::uint8_t length = 0;  ///< of the number behind it, in bits
    std::uint8_t places = 0;  ///< as in HuffmanEntry
  };
  /// Of any length; of no bits where there is none.
  [[nodiscard]] Code code(std::uint64_t bits) const;
  [[nodiscard]] static HuffmanEntry entry(Code code, std::uint64_t bits) {
    // T.81, figure F.12: numbers of `length` bits are those of that size, negative ones first. No number has no bits.
    const std::uint64_t behind = bits << code.bits;
    const auto number = static_cast<int>(behind >> 1 >> (63 - code.length));
    const auto negative = static_cast<int>(static_cast<std::int64_t>(~behind) >> 63);
    return {number + (negative & (1 - (1 << code.length))), code.places, code.bits + code.length};
  }
  [[nodiscard]] HuffmanEntry quick_entry(Code code, std::uint64_t bits) const;

  std::array<HuffmanEntry, 1 << looked_at> quick_{};
  std::array<Code, 1 << looked_at> codes_{};
  EndCode end_code_;
  bool dc_ = false;
  std::array<std::int32_t, 17> past_last_{};  ///< of the codes of a length, aligned to 16 bits
  std::array<std::int32_t, 17> offset_{};     ///< from a code of a length to its symbol's index
  std::array<std::uint8_t, 256> symbols_{};
};

/// Of the coefficients of a table: passes over as many as one look shows, without their numbers.
class HuffmanSkips {
 public:
  static constexpr int looked_at = 12;
  /// What one look moves on by at most: its last code is within what is looked at, the number behind it need not be.
  static constexpr int max_bits = looked_at + 15;

  explicit HuffmanSkips(const HuffmanTable& coefficients);
  /// Of no bits where the next code is longer. It goes on behind the last place of a block: whoever arrives there, or
  /// beyond, has to go through that block code by code.
  [[nodiscard]] HuffmanSkip look(std::uint64_t bits) const { return skips_[bits >> (64 - looked_at)]; }

 private:
  std::array<HuffmanSkip, 1 << looked_at> skips_{};
};

}  // namespace tessera
