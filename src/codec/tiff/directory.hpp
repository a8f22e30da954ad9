// SPDX-License-Identifier: Apache-2.0
// A directory of a TIFF or BigTIFF as it is written, little-endian (TIFF 6.0 section 2; BigTIFF as libtiff
// has it). libtiff itself writes directories only around tiles that it has written, and behind them.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string_view>

#include "base/bytes.hpp"

namespace tessera {

class TiffDirectory {
 public:
  explicit TiffDirectory(bool big) : big_(big) {}
  void set_bytes(std::uint16_t tag, std::uint16_t type, std::uint64_t count,
                 std::span<const std::byte> value);
  void set_shorts(std::uint16_t tag, std::span<const std::uint16_t> values);
  void set_short(std::uint16_t tag, std::uint16_t value) { set_shorts(tag, {&value, 1}); }
  void set_long(std::uint16_t tag, std::uint32_t value);
  /// Offsets or sizes: LONG8 in a BigTIFF, else LONG.
  void set_offsets(std::uint16_t tag, std::span<const std::uint64_t> values);
  /// Where another directory is.
  void set_directory(std::uint16_t tag, std::uint64_t offset);
  /// Ends in a zero byte whether `text` does or not.
  void set_text(std::uint16_t tag, std::string_view text);
  void set_rational(std::uint16_t tag, double value);

  /// Bytes of the directory and its values, a multiple of `alignment`.
  [[nodiscard]] std::uint64_t size() const;
  /// As it stands at `begin`, a multiple of `alignment`; `next` is where the next directory is, 0: none.
  [[nodiscard]] Bytes serialize(std::uint64_t begin, std::uint64_t next) const;

  static constexpr std::uint64_t alignment = 8;
  [[nodiscard]] static constexpr std::uint64_t aligned(std::uint64_t bytes) {
    return (bytes + alignment - 1) / alignment * alignment;
  }

 private:
  struct Tag {
    std::uint16_t type = 0;
    std::uint64_t count = 0;
    Bytes value;
  };
  [[nodiscard]] std::uint64_t inline_bytes() const { return big_ ? 8 : 4; }
  [[nodiscard]] std::uint64_t table_bytes() const;

  bool big_;
  std::map<std::uint16_t, Tag> tags_;
};

/// The first bytes of a file whose first directory is at `directory`: 8, of a BigTIFF 16.
[[nodiscard]] Bytes tiff_file_header(bool big, std::uint64_t directory);

}  // namespace tessera
