// SPDX-License-Identifier: Apache-2.0
#include "codec/heif/av1_sequence.hpp"

#include <algorithm>
#include <cstdint>

namespace tessera {
namespace {

/// Zeros follow the end.
class BitReader {
 public:
  explicit BitReader(std::span<const std::byte> bytes) : bytes_(bytes) {}
  std::uint32_t take(int count) {
    std::uint32_t value = 0;
    for (int i = 0; i < count; ++i, ++at_) {
      const std::size_t byte = at_ / 8;
      const std::uint32_t bit =
          byte < bytes_.size() ? static_cast<std::uint32_t>(bytes_[byte]) >> (7 - at_ % 8) & 1 : 0;
      value = value << 1 | bit;
    }
    return value;
  }
  bool flag() { return take(1) != 0; }
  void skip(int count) { at_ += static_cast<std::size_t>(count); }
  /// A number in the code that AV1 calls uvlc.
  void skip_variable() {
    int zeros = 0;
    while (zeros < 32 && !past_end() && !flag()) {
      ++zeros;
    }
    skip(zeros < 32 ? zeros : 0);
  }
  [[nodiscard]] bool past_end() const { return at_ > bytes_.size() * 8; }

 private:
  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
};

/// AV1 specification, 5.5.1 and 5.5.2; the names of fields are its own.
class SequenceHeader {
 public:
  explicit SequenceHeader(std::span<const std::byte> bytes) : bits_(bytes) {}

  std::optional<bool> full_range() {
    const std::uint32_t profile = bits_.take(3);
    bits_.flag();  // still_picture
    const bool reduced = bits_.flag();
    if (reduced) {
      bits_.skip(5);  // seq_level_idx
    } else {
      operating_points();
    }
    frame_size(reduced);
    tools(reduced);
    return color_range(profile);
  }

 private:
  void operating_points() {
    bool decoder_model = false;
    int delay_bits = 0;
    if (bits_.flag()) {  // timing_info
      bits_.skip(64);
      if (bits_.flag()) {
        bits_.skip_variable();
      }
      decoder_model = bits_.flag();
      if (decoder_model) {
        delay_bits = static_cast<int>(bits_.take(5)) + 1;
        bits_.skip(32 + 5 + 5);
      }
    }
    const bool display_delay = bits_.flag();
    const std::uint32_t count = bits_.take(5) + 1;
    for (std::uint32_t i = 0; i < count; ++i) {
      bits_.skip(12);
      constexpr std::uint32_t last_level_without_tier = 7;
      if (bits_.take(5) > last_level_without_tier) {
        bits_.skip(1);
      }
      if (decoder_model && bits_.flag()) {
        bits_.skip(2 * delay_bits + 1);
      }
      if (display_delay && bits_.flag()) {
        bits_.skip(4);
      }
    }
  }

  void frame_size(bool reduced) {
    const int width_bits = static_cast<int>(bits_.take(4)) + 1;
    const int height_bits = static_cast<int>(bits_.take(4)) + 1;
    bits_.skip(width_bits + height_bits);
    if (!reduced && bits_.flag()) {  // frame_id_numbers_present
      bits_.skip(4 + 3);
    }
  }

  void tools(bool reduced) {
    bits_.skip(3);  // superblocks, filter_intra, intra_edge_filter
    if (!reduced) {
      bits_.skip(4);  // interintra, masked_compound, warped_motion, dual_filter
      const bool order_hint = bits_.flag();
      if (order_hint) {
        bits_.skip(2);
      }
      const bool choose_screen_content = bits_.flag();
      const bool screen_content = choose_screen_content || bits_.flag();
      if (screen_content && !bits_.flag()) {  // seq_choose_integer_mv
        bits_.skip(1);
      }
      if (order_hint) {
        bits_.skip(3);
      }
    }
    bits_.skip(3);  // superres, cdef, restoration
  }

  std::optional<bool> color_range(std::uint32_t profile) {
    const bool high_bit_depth = bits_.flag();
    if (profile == 2 && high_bit_depth) {
      bits_.skip(1);
    }
    const bool gray = profile != 1 && bits_.flag();
    bool rgb = false;
    if (bits_.flag()) {  // color_description_present
      const std::uint32_t primaries = bits_.take(8);
      const std::uint32_t transfer = bits_.take(8);
      const std::uint32_t matrix = bits_.take(8);
      rgb = !gray && primaries == 1 && transfer == 13 && matrix == 0;  // sRGB, always of full range
    }
    const bool full = rgb || bits_.flag();
    return bits_.past_end() ? std::nullopt : std::optional(full);
  }

  BitReader bits_;
};

}  // namespace

std::optional<bool> av1_full_range(std::span<const std::byte> units) {
  constexpr std::uint32_t sequence_header = 1;
  std::size_t at = 0;
  while (at < units.size()) {
    const auto head = static_cast<std::uint32_t>(units[at]);
    at += (head & 4) != 0 ? 2 : 1;  // with an extension
    std::size_t size = units.size() - std::min(at, units.size());
    if ((head & 2) != 0) {  // has_size: 7 bits a byte, the lowest first
      std::size_t told = 0;
      for (int shift = 0; at < units.size() && shift < 35; shift += 7) {
        const auto byte = static_cast<std::size_t>(units[at++]);
        told |= (byte & 127) << shift;
        if (byte < 128) {
          break;
        }
      }
      size = std::min(told, units.size() - std::min(at, units.size()));
    }
    if ((head >> 3 & 15) == sequence_header && at < units.size()) {
      return SequenceHeader(units.subspan(at, size)).full_range();
    }
    at += size;
  }
  return std::nullopt;
}

}  // namespace tessera
