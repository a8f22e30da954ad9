// SPDX-License-Identifier: Apache-2.0
#include "codec/gif/lzw.hpp"

#include <algorithm>

namespace tessera {

GifLzw::GifLzw(InputStream stream, int first_bits) : stream_(std::move(stream)), first_bits_(first_bits) {
  for (int code = 0; code < 1 << first_bits_; ++code) {
    const auto at = static_cast<std::size_t>(code);
    prefix_[at] = -1;
    last_[at] = static_cast<std::uint16_t>(code);
    length_[at] = 1;
  }
  clear();
}

void GifLzw::clear() {
  constexpr int own_codes = 2;  // clear and end
  codes_ = (1 << first_bits_) + own_codes;
  code_bits_ = first_bits_ + 1;
}

/// -1 at the end of the last block.
int GifLzw::next_byte() {
  if (block_left_ == 0) {
    block_left_ = std::max(0, stream_.get());
    if (block_left_ == 0) {
      return -1;
    }
  }
  --block_left_;
  return stream_.get();
}

/// -1 at the end.
int GifLzw::next_code() {
  while (bit_count_ < code_bits_) {
    const int byte = next_byte();
    if (byte < 0) {
      return -1;
    }
    bits_ |= static_cast<std::uint32_t>(byte) << bit_count_;
    bit_count_ += 8;
  }
  const int code = static_cast<int>(bits_ & ((1U << code_bits_) - 1));
  bits_ >>= code_bits_;
  bit_count_ -= code_bits_;
  return code;
}

std::uint16_t GifLzw::unfold(int code, std::span<std::uint16_t> to, std::size_t& at) const {
  const std::size_t length = length_[static_cast<std::size_t>(code)];
  std::uint16_t first = 0;
  for (std::size_t i = length; i-- > 0;) {
    first = last_[static_cast<std::size_t>(code)];
    if (at + i < to.size()) {
      to[at + i] = first;
    }
    code = prefix_[static_cast<std::size_t>(code)];
  }
  at = std::min(to.size(), at + length);
  return first;
}

std::size_t GifLzw::read(std::span<std::uint16_t> to) {
  const int clear_code = 1 << first_bits_;
  const int end_code = clear_code + 1;
  std::size_t at = 0;
  int previous = -1;
  std::uint16_t first = 0;
  while (at < to.size()) {
    const int code = next_code();
    if (code < 0 || code == end_code) {
      break;
    }
    if (code == clear_code) {
      clear();
      previous = -1;
      continue;
    }
    // The code that is just being made stands for the previous one and its own first sample once more.
    const bool being_made = previous >= 0 && code == codes_ && codes_ < max_codes;
    if (!being_made && (code >= codes_ || (previous < 0 && code > clear_code))) {
      wrong_ = true;
      break;
    }
    if (being_made) {
      unfold(previous, to, at);
      if (at < to.size()) {
        to[at++] = first;
      }
    } else {
      first = unfold(code, to, at);
    }
    if (previous >= 0 && codes_ < max_codes) {
      const auto made = static_cast<std::size_t>(codes_);
      prefix_[made] = static_cast<std::int16_t>(previous);
      last_[made] = first;
      length_[made] = static_cast<std::uint16_t>(length_[static_cast<std::size_t>(previous)] + 1);
      ++codes_;
      if (codes_ == 1 << code_bits_ && code_bits_ < max_bits) {
        ++code_bits_;
      }
    }
    previous = code;
  }
  return at;
}

}  // namespace tessera
