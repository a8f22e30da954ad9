// SPDX-License-Identifier: Apache-2.0
// A text that comes in small pieces.
#pragma once

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>

#include "ports/bytes_io.hpp"

namespace tessera::testing {

/// Returns its text in pieces of at most `piece_bytes` bytes, so that every delimiter is split everywhere.
class PieceSource final : public ByteSource {
 public:
  PieceSource(std::string_view text, std::size_t piece_bytes) : text_(text), piece_bytes_(piece_bytes) {}
  std::size_t read(std::span<std::byte> out) override {
    const std::size_t count = std::min({out.size(), piece_bytes_, text_.size()});
    std::memcpy(out.data(), text_.data(), count);
    text_.remove_prefix(count);
    return count;
  }
  [[nodiscard]] std::optional<std::int64_t> size() const override { return std::nullopt; }

 private:
  std::string_view text_;
  std::size_t piece_bytes_;
};

}  // namespace tessera::testing
