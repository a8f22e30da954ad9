// SPDX-License-Identifier: Apache-2.0
#include "codec/metadata/raw_profile.hpp"

#include <fmt/format.h>

#include <charconv>

namespace tessera {
namespace {

constexpr std::string_view prefix = "Raw profile type ";

int digit(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  if (c >= 'a' && c <= 'f') {
    return c - 'a' + 10;
  }
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

}  // namespace

std::optional<std::string> raw_profile_name(std::string_view keyword) {
  if (!keyword.starts_with(prefix)) {
    return std::nullopt;
  }
  return std::string(keyword.substr(prefix.size()));
}

// A line break, the name, a line break, the number of bytes in eight columns, and lines of digits.
std::optional<Bytes> decode_raw_profile(std::string_view text) {
  const std::size_t name = text.find_first_not_of("\r\n");
  const std::size_t name_end = name == std::string_view::npos ? name : text.find('\n', name);
  const std::size_t number =
      name_end == std::string_view::npos ? name_end : text.find_first_not_of(" \r\n", name_end);
  if (number == std::string_view::npos) {
    return std::nullopt;
  }
  std::size_t bytes = 0;
  const auto parsed = std::from_chars(text.data() + number, text.data() + text.size(), bytes);
  if (parsed.ec != std::errc{} || bytes > text.size() / 2) {
    return std::nullopt;
  }
  Bytes out;
  out.reserve(bytes);
  int high = -1;
  for (const char* at = parsed.ptr; at != text.data() + text.size() && out.size() < bytes; ++at) {
    const int value = digit(*at);
    if (value < 0) {
      continue;
    }
    if (high < 0) {
      high = value;
    } else {
      out.push_back(static_cast<std::byte>(high << 4 | value));
      high = -1;
    }
  }
  return out.size() == bytes ? std::optional(std::move(out)) : std::nullopt;
}

std::string encode_raw_profile(std::string_view name, const Bytes& bytes) {
  constexpr std::size_t bytes_per_line = 36;
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text = fmt::format("\n{}\n{:8}", name, bytes.size());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i % bytes_per_line == 0) {
      text += '\n';
    }
    text += digits[static_cast<std::size_t>(bytes[i]) >> 4];
    text += digits[static_cast<std::size_t>(bytes[i]) & 15];
  }
  return text + '\n';
}

}  // namespace tessera
