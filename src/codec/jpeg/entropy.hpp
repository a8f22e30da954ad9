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
#include "codec/jpeg/frequencies.hpp"
#include "codec/jpeg/huffman.hpp"
#include "codec/jpeg/scan.hpp"

namespace tessera {

/// A block is a word with its DC coefficient in the low 16 bits and the number of words that follow above;
/// each of those has a coefficient in the low 16 bits and its place in zigzag order above. Some may be 0.
using JpegWord = std::uint32_t;

/// Of a word of JpegCoefficients: how many words follow a block's first one, or the place of a coefficient.
[[nodiscard]] constexpr int jpeg_upper_half(JpegWord word) { return static_cast<int>(word >> 16); }
[[nodiscard]] constexpr std::int16_t jpeg_coefficient(JpegWord word) {
  return static_cast<std::int16_t>(word & 0xFFFF);
}

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
  /// The same, of which only the frequencies that `out` has room for are kept.
  [[nodiscard]] bool next_row(JpegFrequencies& out);
  /// After the last row: whether the image ends right there.
  [[nodiscard]] bool ends_well();

 private:
  struct Tables {
    HuffmanTable dc;
    HuffmanTable ac;
    std::optional<HuffmanSkips> skips;  ///< where frequencies are left out
  };
  using ComponentTables = std::vector<std::shared_ptr<Tables>>;
  JpegEntropy(std::shared_ptr<const Input> input, const JpegScan& scan, ComponentTables tables);
  /// Goes through the MCUs of a row. Each of `lines` has the `blocks` that one line of a component has in an MCU;
  /// decode(line, reader) is called for each of them, and is false where it finds no block.
  template <class Line, class Decode>
  [[nodiscard]] bool decode_row(std::vector<Line>& lines, const Decode& decode);
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
