// SPDX-License-Identifier: Apache-2.0
// The part of reading a JPEG that is serial: its Huffman codes (ITU-T T.81, annex F.2.2), of the kind that
// nearly all photographs are: baseline or extended sequential, 8 bits, one scan.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "codec/io/input.hpp"

namespace tessera {

/// A table as a DHT marker has it.
struct HuffmanSpec {
  std::array<std::uint8_t, 17> codes_of_length{};  ///< [1..16]
  std::array<std::uint8_t, 256> symbols{};
  bool operator==(const HuffmanSpec&) const = default;
};

constexpr int jpeg_block_side = 8;

/// A frame of one scan: gray, or Y, Cb and Cr, of which Cb and Cr have one block in each MCU.
struct JpegScan {
  struct Component {
    HuffmanSpec dc;
    HuffmanSpec ac;
    std::array<std::uint16_t, 64> quantizers{};  ///< row by row
  };
  std::int64_t width = 0;
  std::int64_t height = 0;
  std::vector<Component> components;  ///< one or three
  int luma_columns = 1;               ///< blocks of Y in an MCU side by side: 1 or 2
  int luma_rows = 1;                  ///< and one below the other
  std::int64_t restart_interval = 0;  ///< MCUs; 0: none
  std::int64_t data_offset = 0;       ///< of the entropy-coded bytes in the input

  [[nodiscard]] std::int64_t mcu_width() const { return std::int64_t{jpeg_block_side} * luma_columns; }
  [[nodiscard]] std::int64_t mcu_height() const { return std::int64_t{jpeg_block_side} * luma_rows; }
  [[nodiscard]] std::int64_t mcus_across() const { return (width + mcu_width() - 1) / mcu_width(); }
  [[nodiscard]] std::int64_t mcus_down() const { return (height + mcu_height() - 1) / mcu_height(); }
};

/// A block is a word with its DC coefficient in the low 16 bits and the number of words that follow above;
/// each of those has a coefficient in the low 16 bits and its place in zigzag order above. Some may be 0.
using JpegWord = std::uint32_t;

/// The quantized coefficients of one row of MCUs.
class JpegCoefficients {
 public:
  explicit JpegCoefficients(const JpegScan& scan);
  /// Row `row` of the blocks of a component: of Y there are luma_rows, of the others one.
  [[nodiscard]] JpegWord* blocks(int component, int row) {
    return words_.get() + starts_[line(component, row)];
  }
  [[nodiscard]] const JpegWord* blocks(int component, int row) const {
    return words_.get() + starts_[line(component, row)];
  }

 private:
  [[nodiscard]] std::size_t line(int component, int row) const {
    return static_cast<std::size_t>(component == 0 ? row : luma_rows_ + component - 1);
  }
  int luma_rows_;
  std::vector<std::size_t> starts_;
  std::unique_ptr<JpegWord[]> words_;
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
  [[nodiscard]] std::optional<HuffmanEntry> decode(std::uint64_t bits) const;

  /// The code that ends a block, behind which come zeros.
  struct EndCode {
    std::uint64_t aligned = 0;
    int bits = 0;
  };
  [[nodiscard]] const EndCode& end_code() const { return end_code_; }

 private:
  struct Code {
    std::uint8_t symbol = 0;
    std::uint8_t bits = 0;  ///< 0: longer than what was looked at, or none
  };
  [[nodiscard]] std::optional<Code> code(std::uint64_t bits) const;
  [[nodiscard]] HuffmanEntry entry(Code code, std::uint64_t bits) const;
  [[nodiscard]] HuffmanEntry quick_entry(Code code, std::uint64_t bits) const;

  std::array<HuffmanEntry, 1 << looked_at> quick_{};
  std::array<Code, 1 << looked_at> codes_{};
  EndCode end_code_;
  bool dc_ = false;
  std::array<std::int32_t, 17> past_last_{};  ///< of the codes of a length, aligned to 16 bits
  std::array<std::int32_t, 17> offset_{};     ///< from a code of a length to its symbol's index
  std::array<std::uint8_t, 256> symbols_{};
};

/// Entropy-coded bytes without the zeros that are stuffed into them, up to the next marker.
class JpegBytes {
 public:
  /// At least so many bytes can be read behind the last; they are zero.
  static constexpr std::size_t slack_bytes = 4096;

  JpegBytes(std::shared_ptr<const Input> input, std::int64_t offset);
  /// Keeps what is behind `used` and adds to it until the buffer is full or a marker, or the end, is met.
  void refill(const std::uint8_t* used);
  /// After a marker: begins behind it.
  void pass_marker();
  [[nodiscard]] const std::uint8_t* begin() const { return buffer_.data(); }
  [[nodiscard]] const std::uint8_t* end() const { return buffer_.data() + size_; }
  /// Whether all up to the next marker is here.
  [[nodiscard]] bool complete() const { return marker_ != 0 || ended_; }
  /// The second byte of the marker met, or 0.
  [[nodiscard]] int marker() const { return marker_; }

 private:
  void take(std::span<const std::byte> chunk);

  InputStream stream_;
  std::vector<std::uint8_t> buffer_;
  std::size_t size_ = 0;
  bool after_ff_ = false;
  int marker_ = 0;
  bool ended_ = false;
};

/// Decodes MCU rows from the first on.
class JpegEntropy {
 public:
  /// Nothing if the scan's tables are no Huffman codes.
  [[nodiscard]] static std::unique_ptr<JpegEntropy> make(std::shared_ptr<const Input> input,
                                                         const JpegScan& scan);
  /// The next row. False if anything is not as it should be: a code that does not exist, a coefficient too
  /// far or too large, data that end early or late, a marker that is not due. Then nothing more can be asked.
  /// Throws Error(io).
  [[nodiscard]] bool next_row(JpegCoefficients& out);
  /// After the last row: whether the image ends right there.
  [[nodiscard]] bool ends_well();

 private:
  struct Tables {
    HuffmanTable dc;
    HuffmanTable ac;
  };
  using ComponentTables = std::vector<std::shared_ptr<const Tables>>;
  JpegEntropy(std::shared_ptr<const Input> input, const JpegScan& scan, ComponentTables tables);
  [[nodiscard]] bool restart();
  [[nodiscard]] bool used_up();

  JpegScan scan_;
  ComponentTables tables_;
  JpegBytes bytes_;
  const std::uint8_t* at_;
  std::uint64_t bits_ = 0;  ///< those that come next, from the highest on
  int count_ = 0;           ///< how many of them are counted as read from `at_`
  std::array<int, 3> dc_{};
  std::int64_t until_restart_ = 0;
  int next_restart_ = 0;
};

}  // namespace tessera
