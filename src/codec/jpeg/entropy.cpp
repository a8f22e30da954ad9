// SPDX-License-Identifier: Apache-2.0
#include "codec/jpeg/entropy.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace tessera {
namespace {

constexpr std::size_t buffer_bytes = 64 << 10;
/// Of a code and the number behind it.
constexpr int max_code_bits = 16;
constexpr int restart_marker = 0xD0;
constexpr int end_marker = 0xD9;
constexpr int last_place = 63;
/// A block's DC coefficient, the 63 others, and the one that the end of a block is first taken for.
constexpr std::size_t words_of_block = 65;
/// A symbol that stands for 16 places without a coefficient. Others without one end the block, and this is
/// the usual one.
constexpr int symbol_of_zeros = 0xF0;
constexpr int symbol_of_end = 0;

/// The bits that come next, from the highest on.
struct BitReader {
  const std::uint8_t* at;
  std::uint64_t bits;
  int count;  ///< of them, counted as read from `at`; those below are right too

  /// At least 56 bits. After Fabian Giesen, "Reading bits in far too many ways", variant 4.
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
  [[gnu::always_inline]] void drop(HuffmanEntry entry) {
    bits = entry.shift(bits);
    count -= entry.bits();
  }
  void give_back(const HuffmanTable::EndCode& code) {
    bits = bits >> code.bits | code.aligned;
    count += code.bits;
  }
};

std::uint32_t word(int upper, int coefficient) {
  return static_cast<std::uint32_t>(upper) << 16 | static_cast<std::uint16_t>(coefficient);
}

/// T.81, figure F.12: numbers of `length` bits are those of that size, negative ones first.
int extended(std::uint64_t bits, int length) {
  if (length == 0) {
    return 0;
  }
  const int number = static_cast<int>(bits >> (64 - length));
  return number < 1 << (length - 1) ? number - (1 << length) + 1 : number;
}

}  // namespace

JpegCoefficients::JpegCoefficients(const JpegScan& scan) : luma_rows_(scan.luma_rows) {
  const auto across = static_cast<std::size_t>(scan.mcus_across());
  std::size_t size = 0;
  for (std::size_t component = 0; component < scan.components.size(); ++component) {
    const int rows = component == 0 ? scan.luma_rows : 1;
    const std::size_t columns = component == 0 ? static_cast<std::size_t>(scan.luma_columns) : 1;
    for (int row = 0; row < rows; ++row) {
      starts_.push_back(size);
      size += across * columns * words_of_block;
    }
  }
  // Most of it is never touched.
  words_ = std::make_unique_for_overwrite<JpegWord[]>(size);
}

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
    const auto known = table.code(bits);
    if (known && known->bits <= looked_at) {
      table.codes_[next] = *known;
      if (!dc && known->symbol == symbol_of_end && table.end_code_.bits == 0) {
        table.end_code_ = {bits, known->bits};
      }
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

std::optional<HuffmanTable::Code> HuffmanTable::code(std::uint64_t bits) const {
  const auto next = static_cast<int>(bits >> (64 - max_code_bits));
  for (int length = 1; length <= max_code_bits; ++length) {
    const auto at = static_cast<std::size_t>(length);
    if (next < past_last_[at]) {
      const int index = (next >> (max_code_bits - length)) + offset_[at];
      return Code{symbols_[static_cast<std::size_t>(index)], static_cast<std::uint8_t>(length)};
    }
  }
  return std::nullopt;
}

HuffmanEntry HuffmanTable::entry(Code code, std::uint64_t bits) const {
  const int length = dc_ ? code.symbol : code.symbol & 15;
  const int places =
      length > 0 || code.symbol == symbol_of_zeros ? (code.symbol >> 4) + 1 : HuffmanEntry::end_of_block;
  return {extended(bits << code.bits, length), places, code.bits + length};
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

std::optional<HuffmanEntry> HuffmanTable::decode(std::uint64_t bits) const {
  if (const Code known = codes_[bits >> (64 - looked_at)]; known.bits > 0) {
    return entry(known, bits);
  }
  const auto longer = code(bits);
  return longer ? std::optional(entry(*longer, bits)) : std::nullopt;
}

JpegBytes::JpegBytes(std::shared_ptr<const Input> input, std::int64_t offset)
    : stream_(std::move(input), offset), buffer_(buffer_bytes + slack_bytes) {}

void JpegBytes::refill(const std::uint8_t* used) {
  const auto kept = static_cast<std::size_t>(end() - used);
  std::memmove(buffer_.data(), used, kept);
  size_ = kept;
  while (size_ < buffer_bytes && !complete()) {
    const auto chunk = stream_.peek();
    ended_ = chunk.empty();
    if (!ended_) {
      take(chunk);
    }
  }
  std::memset(buffer_.data() + size_, 0, slack_bytes);
}

void JpegBytes::take(std::span<const std::byte> chunk) {
  constexpr std::byte stuffed{0};
  constexpr std::byte ff{0xFF};
  if (after_ff_) {
    // More of these may stand before a marker.
    if (chunk.front() == stuffed) {
      buffer_[size_++] = 0xFF;
    } else if (chunk.front() != ff) {
      marker_ = std::to_integer<int>(chunk.front());
    }
    after_ff_ = chunk.front() == ff;
    stream_.consume(1);
    return;
  }
  const std::size_t room = std::min(chunk.size(), buffer_bytes - size_);
  const void* const found = std::memchr(chunk.data(), 0xFF, room);
  const std::size_t plain =
      found == nullptr ? room : static_cast<std::size_t>(static_cast<const std::byte*>(found) - chunk.data());
  std::memcpy(buffer_.data() + size_, chunk.data(), plain);
  size_ += plain;
  after_ff_ = found != nullptr;
  stream_.consume(plain + (after_ff_ ? 1 : 0));
}

void JpegBytes::pass_marker() {
  size_ = 0;
  marker_ = 0;
}

std::unique_ptr<JpegEntropy> JpegEntropy::make(std::shared_ptr<const Input> input, const JpegScan& scan) {
  ComponentTables tables;
  for (const JpegScan::Component& component : scan.components) {
    if (!tables.empty()) {
      // Cb and Cr nearly always have the same: once in the first-level cache is enough.
      const JpegScan::Component& before = scan.components[tables.size() - 1];
      if (component.dc == before.dc && component.ac == before.ac) {
        tables.push_back(tables.back());
        continue;
      }
    }
    auto dc = HuffmanTable::make(component.dc, true);
    auto ac = HuffmanTable::make(component.ac, false);
    if (!dc || !ac) {
      return nullptr;
    }
    tables.push_back(std::make_shared<const Tables>(Tables{*dc, *ac}));
  }
  return std::unique_ptr<JpegEntropy>(new JpegEntropy(std::move(input), scan, std::move(tables)));
}

JpegEntropy::JpegEntropy(std::shared_ptr<const Input> input, const JpegScan& scan, ComponentTables tables)
    : scan_(scan),
      tables_(std::move(tables)),
      bytes_(std::move(input), scan.data_offset),
      at_(bytes_.begin()),
      until_restart_(scan.restart_interval) {}

namespace {

/// False where there is no such code, or a coefficient would be behind the last or greater than 16 bits.
[[gnu::always_inline]] inline bool decode_block(const HuffmanTable& dc_table, const HuffmanTable& ac_table,
                                                BitReader& reader, int& dc, JpegWord*& out) {
  constexpr int looks_of_a_refill = 56 / HuffmanTable::looked_at;
  static_assert(looks_of_a_refill * HuffmanTable::looked_at <= 56);
  reader.refill();
  HuffmanEntry entry = dc_table.look(reader.bits);
  if (entry.bits() == 0) [[unlikely]] {
    const auto longer = dc_table.decode(reader.bits);
    if (!longer) {
      return false;
    }
    entry = *longer;
  }
  reader.drop(entry);
  dc += entry.number();
  if (dc != static_cast<std::int16_t>(dc)) {
    return false;
  }
  JpegWord* const head = out;
  JpegWord* next = out + 1;
  int place = 0;
  while (place < last_place) {
    reader.refill();
    for (int look = 0; look < looks_of_a_refill; ++look) {
      entry = ac_table.look(reader.bits);
      if (entry.bits() == 0) [[unlikely]] {
        reader.refill();
        const auto longer = ac_table.decode(reader.bits);
        if (!longer) {
          return false;
        }
        entry = *longer;
        look = looks_of_a_refill;
      }
      reader.drop(entry);
      place += entry.places();
      *next++ = word(place, entry.number());
      if (place >= last_place) {
        break;
      }
    }
  }
  if (place >= HuffmanEntry::end_of_block) {
    --next;
  } else if (place == HuffmanEntry::ends_block + last_place) {
    // Nothing says that a full block ends: what looked like it is the beginning of the next.
    reader.give_back(ac_table.end_code());
  } else if (place % HuffmanEntry::ends_block > last_place) {
    return false;
  }
  *head = word(static_cast<int>(next - head) - 1, dc);
  out = next;
  return true;
}

}  // namespace

bool JpegEntropy::next_row(JpegCoefficients& out) {
  // In locals, which the compiler keeps in registers.
  BitReader reader{at_, bits_, count_};
  struct Line {
    const Tables& tables;
    int& dc;
    int blocks;  ///< of each MCU
    JpegWord* end;
  };
  std::vector<Line> lines;
  for (std::size_t component = 0; component < tables_.size(); ++component) {
    const bool luma = component == 0;
    for (int row = 0; row < (luma ? scan_.luma_rows : 1); ++row) {
      lines.push_back({*tables_[component], dc_[component], luma ? scan_.luma_columns : 1,
                       out.blocks(static_cast<int>(component), row)});
    }
  }
  const std::int64_t across = scan_.mcus_across();
  for (std::int64_t mcu = 0; mcu < across; ++mcu) {
    if (scan_.restart_interval > 0 && until_restart_-- == 0) {
      at_ = reader.at;
      count_ = reader.count;
      if (!restart()) {
        return false;
      }
      reader = {at_, 0, 0};
    }
    if (!bytes_.complete() &&
        bytes_.end() - reader.at < static_cast<std::ptrdiff_t>(JpegBytes::slack_bytes)) {
      bytes_.refill(reader.at);
      reader.at = bytes_.begin();
    }
    for (Line& line : lines) {
      for (int block = 0; block < line.blocks; ++block) {
        if (!decode_block(line.tables.dc, line.tables.ac, reader, line.dc, line.end)) {
          return false;
        }
      }
    }
    if (bytes_.complete() && (reader.at - bytes_.end()) * 8 > reader.count) {
      return false;
    }
  }
  at_ = reader.at;
  bits_ = reader.bits;
  count_ = reader.count;
  return true;
}

/// Whether nothing is left before the next marker but bits that fill a byte.
bool JpegEntropy::used_up() {
  if (!bytes_.complete()) {
    bytes_.refill(at_);
    at_ = bytes_.begin();
  }
  const std::ptrdiff_t left_bits = (bytes_.end() - at_) * 8 + count_;
  return bytes_.complete() && left_bits >= 0 && left_bits < 8;
}

bool JpegEntropy::restart() {
  if (!used_up() || bytes_.marker() != restart_marker + next_restart_) {
    return false;
  }
  next_restart_ = (next_restart_ + 1) % 8;
  bytes_.pass_marker();
  bytes_.refill(bytes_.end());
  at_ = bytes_.begin();
  dc_ = {};
  until_restart_ = scan_.restart_interval - 1;
  return true;
}

bool JpegEntropy::ends_well() { return used_up() && bytes_.marker() == end_marker; }

}  // namespace tessera
