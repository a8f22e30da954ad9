// SPDX-License-Identifier: Apache-2.0
#include "codec/jpeg/huffman.hpp"

#include <algorithm>

namespace tessera {
namespace {

constexpr int max_code_bits = 16;
/// A symbol that stands for 16 places without a coefficient. Others without one end the block.
constexpr int symbol_of_zeros = 0xF0;

}  // namespace

std::optional<HuffmanTable> HuffmanTable::make(const HuffmanSpec& spec, bool dc) {
  HuffmanTable table;
  table.dc_ = dc;
  table.symbols_ = spec.symbols;
  constexpr int max_dc_bits = 15;
  int code = 0;
  int index = 0;
  for (int length = 1; length <= max_code_bits; ++length) {
    const auto at = static_cast<std::size_t>(length);
    table.offset_[at] = index - code;
    code += spec.codes_of_length[at];
    index += spec.codes_of_length[at];
    // No code is all ones.
    if (index > static_cast<int>(spec.symbols.size()) || code >= 1 << length) {
      return std::nullopt;
    }
    table.past_last_[at] = code << (max_code_bits - length);
    code <<= 1;
  }
  const auto* const end = spec.symbols.begin() + index;
  if (dc && std::any_of(spec.symbols.begin(), end, [](int symbol) { return symbol > max_dc_bits; })) {
    return std::nullopt;
  }
  for (std::size_t next = 0; next < table.quick_.size(); ++next) {
    const std::uint64_t bits = static_cast<std::uint64_t>(next) << (64 - looked_at);
    const Code known = table.code(bits);
    if (known.bits <= looked_at) {
      table.codes_[next] = known;
    }
    if (known.bits <= looked_at && known.places == HuffmanEntry::end_of_block && table.end_code_.bits == 0) {
      table.end_code_ = {bits, known.bits};
    }
  }
  for (std::size_t next = 0; next < table.quick_.size(); ++next) {
    if (table.codes_[next].bits > 0) {
      table.quick_[next] =
          table.quick_entry(table.codes_[next], static_cast<std::uint64_t>(next) << (64 - looked_at));
    }
  }
  return table;
}

HuffmanTable::Code HuffmanTable::code(std::uint64_t bits) const {
  const auto next = static_cast<int>(bits >> (64 - max_code_bits));
  for (int bits_of_code = 1; bits_of_code <= max_code_bits; ++bits_of_code) {
    const auto at = static_cast<std::size_t>(bits_of_code);
    if (next < past_last_[at]) {
      const int index = (next >> (max_code_bits - bits_of_code)) + offset_[at];
      const int symbol = symbols_[static_cast<std::size_t>(index)];
      const int length = dc_ ? symbol : symbol & 15;
      const int places =
          length > 0 || symbol == symbol_of_zeros ? (symbol >> 4) + 1 : HuffmanEntry::end_of_block;
      return {static_cast<std::uint8_t>(bits_of_code), static_cast<std::uint8_t>(length),
              static_cast<std::uint8_t>(places)};
    }
  }
  return {};
}

/// The entry of bits of which only those looked at are real. Where a whole end of a block follows, it is part
/// of it.
HuffmanEntry HuffmanTable::quick_entry(Code code, std::uint64_t bits) const {
  const HuffmanEntry first = entry(code, bits);
  if (first.bits() > looked_at) {
    return {};
  }
  if (dc_ || first.places() == HuffmanEntry::end_of_block) {
    return first;
  }
  const std::uint64_t behind = first.shift(bits);
  const bool ends = end_code_.bits > 0 && first.bits() + end_code_.bits <= looked_at &&
                    behind >> (64 - end_code_.bits) == end_code_.aligned >> (64 - end_code_.bits);
  if (!ends) {
    return first;
  }
  return {first.number(), first.places() + HuffmanEntry::ends_block, first.bits() + end_code_.bits};
}

std::optional<HuffmanEntry> HuffmanTable::decode_within(std::uint64_t bits, int known_bits) const {
  const Code known = codes_[bits >> (64 - looked_at)];
  const Code found = known.bits > 0 ? known : code(bits);
  return found.bits > 0 && found.bits <= known_bits ? std::optional(entry(found, bits)) : std::nullopt;
}

HuffmanSkips::HuffmanSkips(const HuffmanTable& coefficients) {
  // So that no sum of places looks like the end of a block.
  constexpr int max_places = 64;
  for (std::size_t next = 0; next < skips_.size(); ++next) {
    const std::uint64_t bits = static_cast<std::uint64_t>(next) << (64 - looked_at);
    int places = 0;
    int used = 0;
    while (used < looked_at && places < HuffmanEntry::ends_block) {
      const auto entry = coefficients.decode_within(bits << used, looked_at - used);
      if (!entry) {
        break;
      }
      const bool ends = entry->places() == HuffmanEntry::end_of_block;
      if (!ends && places + entry->places() > max_places) {
        break;
      }
      places += ends ? HuffmanEntry::ends_block : entry->places();
      used += entry->bits();
    }
    skips_[next] = {places, used};
  }
}

}  // namespace tessera
