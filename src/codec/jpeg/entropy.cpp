// SPDX-License-Identifier: Apache-2.0
#include "codec/jpeg/entropy.hpp"

#include <algorithm>
#include <cstring>

#include "codec/jpeg/bit_reader.hpp"

namespace tessera {
namespace {

constexpr std::size_t buffer_bytes = 64 << 10;
constexpr int restart_marker = 0xD0;
constexpr int end_marker = 0xD9;
constexpr int last_place = 63;
/// What a refilled BitReader has bits for.
constexpr int looks_of_a_refill = BitReader::least_bits / HuffmanTable::looked_at;
constexpr int skips_of_a_refill = BitReader::least_bits / HuffmanSkips::max_bits;
/// A block's DC coefficient, the 63 others, and the one that the end of a block is first taken for.
constexpr std::size_t words_of_block = 65;

std::uint32_t word(int upper, int coefficient) {
  return static_cast<std::uint32_t>(upper) << 16 | static_cast<std::uint16_t>(coefficient);
}

}  // namespace

JpegCoefficients::JpegCoefficients(const JpegScan& scan) : luma_rows_(scan.luma_rows) {
  const auto across = static_cast<std::size_t>(scan.mcus_across());
  std::size_t size = 0;
  for (std::size_t component = 0; component < scan.components.size(); ++component) {
    const auto columns = static_cast<std::size_t>(scan.columns_of(component));
    for (int row = 0; row < scan.rows_of(component); ++row) {
      starts_.push_back(size);
      size += across * columns * words_of_block;
    }
  }
  // Most of it is never touched.
  words_ = std::make_unique_for_overwrite<JpegWord[]>(size);
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
    tables.push_back(std::make_shared<Tables>(Tables{*dc, *ac, {}}));
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

/// The code and number that come next. Of any length, for which the reader is refilled before and after; the others
/// are not more than HuffmanTable::looked_at bits, which it must have.
[[gnu::always_inline]] inline bool take(const HuffmanTable& table, BitReader& reader, HuffmanEntry& entry) {
  entry = table.look(reader.bits);
  if (entry.bits() != 0) [[likely]] {
    reader.drop(entry);
    return true;
  }
  reader.refill();
  const auto longer = table.decode(reader.bits);
  if (!longer) {
    return false;
  }
  entry = *longer;
  reader.drop(entry);
  reader.refill();
  return true;
}

/// A block's first coefficient, which is stored as the difference to the last one.
[[gnu::always_inline]] inline bool take_dc(const HuffmanTable& table, BitReader& reader, int& dc) {
  reader.refill();
  HuffmanEntry entry;
  if (!take(table, reader, entry)) {
    return false;
  }
  dc += entry.number();
  return dc == static_cast<std::int16_t>(dc);
}

/// False where there is no such code, or a coefficient would be behind the last or greater than 16 bits.
[[gnu::always_inline]] inline bool decode_block(const HuffmanTable& dc_table, const HuffmanTable& ac_table,
                                                BitReader& reader, int& dc, JpegWord*& out) {
  if (!take_dc(dc_table, reader, dc)) {
    return false;
  }
  JpegWord* const head = out;
  JpegWord* next = out + 1;
  int place = 0;
  while (place < last_place) {
    reader.refill();
    for (int look = 0; look < looks_of_a_refill; ++look) {
      HuffmanEntry entry;
      if (!take(ac_table, reader, entry)) {
        return false;
      }
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
    reader.unread(ac_table.end_code());
  } else if (place % HuffmanEntry::ends_block > last_place) {
    return false;
  }
  *head = word(static_cast<int>(next - head) - 1, dc);
  out = next;
  return true;
}

/// Of a block whose first coefficient has been taken: the others, code by code. False as decode_block() is.
[[gnu::noinline]] bool decode_low_slowly(const HuffmanTable& table,
                                         const JpegFrequencyLayout::Component& layout, BitReader& reader,
                                         std::int16_t* out) {
  for (int place = 0; place < last_place;) {
    reader.refill();
    const auto entry = table.decode(reader.bits);
    if (!entry) {
      return false;
    }
    reader.drop(*entry);
    place += entry->places();
    if (place >= HuffmanEntry::end_of_block) {
      break;
    }
    if (place > last_place) {
      return false;
    }
    out[layout.distances[static_cast<std::size_t>(place)]] = static_cast<std::int16_t>(entry->number());
  }
  return true;
}

/// As decode_block(), but keeps only the low frequencies; `out` is the block's first, and all are 0.
[[gnu::always_inline]] inline bool decode_low_block(const HuffmanTable& dc_table,
                                                    const HuffmanTable& ac_table, const HuffmanSkips& skips,
                                                    const JpegFrequencyLayout::Component& layout,
                                                    BitReader& reader, int& dc, std::int16_t* out) {
  if (!take_dc(dc_table, reader, dc)) {
    return false;
  }
  *out = static_cast<std::int16_t>(dc);
  const BitReader behind_dc = reader;
  int place = 0;
  while (place < layout.last_place) {
    reader.refill();
    for (int look = 0; look < looks_of_a_refill && place < layout.last_place; ++look) {
      HuffmanEntry entry;
      if (!take(ac_table, reader, entry)) {
        return false;
      }
      place += entry.places();
      out[layout.distances[static_cast<std::size_t>(place)]] = static_cast<std::int16_t>(entry.number());
    }
  }
  while (place < last_place) {
    reader.refill();
    for (int look = 0; look < skips_of_a_refill && place < last_place; ++look) {
      const HuffmanSkip skip = skips.look(reader.bits);
      if (skip.bits() == 0) [[unlikely]] {
        HuffmanEntry longer;
        if (!take(ac_table, reader, longer)) {
          return false;
        }
        place += longer.places();
        break;
      }
      reader.drop(skip);
      place += skip.places();
    }
  }
  const int behind_last = place - HuffmanEntry::ends_block;
  if (place == last_place || (behind_last >= 0 && behind_last < last_place) ||
      place >= HuffmanEntry::end_of_block) [[likely]] {
    return true;
  }
  // A full block has no code that ends it: what looked like one, or like more coefficients, is the beginning of the
  // next block. Or the data are damaged. The copy keeps the reader in registers everywhere else.
  BitReader again = behind_dc;
  const bool found = decode_low_slowly(ac_table, layout, again, out);
  reader = again;
  return found;
}

}  // namespace

template <class Line, class Decode>
bool JpegEntropy::decode_row(std::vector<Line>& lines, const Decode& decode) {
  // In locals, which the compiler keeps in registers.
  BitReader reader{at_, bits_, count_};
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
        if (!decode(line, reader)) {
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

bool JpegEntropy::next_row(JpegCoefficients& out) {
  struct Line {
    const Tables& tables;
    int& dc;
    int blocks;
    JpegWord* end;
  };
  std::vector<Line> lines;
  for (std::size_t component = 0; component < tables_.size(); ++component) {
    for (int row = 0; row < scan_.rows_of(component); ++row) {
      lines.push_back({*tables_[component], dc_[component], scan_.columns_of(component),
                       out.blocks(static_cast<int>(component), row)});
    }
  }
  return decode_row(lines, [](Line& line, BitReader& reader) {
    return decode_block(line.tables.dc, line.tables.ac, reader, line.dc, line.end);
  });
}

bool JpegEntropy::next_row(JpegFrequencies& out) {
  struct Line {
    const Tables& tables;
    const JpegFrequencyLayout::Component& layout;
    int& dc;
    int blocks;
    std::int16_t* next;
  };
  std::vector<Line> lines;
  for (std::size_t component = 0; component < tables_.size(); ++component) {
    Tables& tables = *tables_[component];
    if (!tables.skips) {
      tables.skips.emplace(tables.ac);
    }
    for (int row = 0; row < scan_.rows_of(component); ++row) {
      lines.push_back({tables, out.layout().component(component), dc_[component], scan_.columns_of(component),
                       out.line(component, row)});
    }
  }
  out.clear();
  return decode_row(lines, [](Line& line, BitReader& reader) {
    return decode_low_block(line.tables.dc, line.tables.ac, *line.tables.skips, line.layout, reader, line.dc,
                            line.next++);
  });
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
