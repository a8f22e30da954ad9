// SPDX-License-Identifier: Apache-2.0
#include "base/amount.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>

#include "base/error.hpp"

namespace tessera {

std::int64_t parse_amount(std::string_view flag, std::string_view text, std::int64_t least) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, value);
  const std::string_view suffix = text.substr(static_cast<std::size_t>(stop - text.data()));
  double factor = 0;
  if (suffix.empty()) {
    factor = 1;
  } else if (suffix == "k" || suffix == "K") {
    factor = 1e3;
  } else if (suffix == "M") {
    factor = 1e6;
  } else if (suffix == "G") {
    factor = 1e9;
  } else if (suffix == "T") {
    factor = 1e12;
  }
  const double amount = value * factor;
  if (failure != std::errc{} || factor == 0 || !(amount >= static_cast<double>(least)) || amount > 9e18) {
    throw Error(ErrorCode::usage,
                fmt::format("{}: '{}' is not an amount: write a number, perhaps with k, M, G or T after it.",
                            flag, text));
  }
  return static_cast<std::int64_t>(amount);
}

std::string bytes_text(std::int64_t bytes) {
  static constexpr std::array units{"kB", "MB", "GB", "TB"};
  if (bytes < 1000) {
    return fmt::format("{} bytes", bytes);
  }
  double value = static_cast<double>(bytes) / 1000;
  std::size_t unit = 0;
  while (value >= 999.5 && unit + 1 < units.size()) {
    value /= 1000;
    ++unit;
  }
  return fmt::format("{:.{}f} {}", value, value < 10 ? 1 : 0, units[unit]);
}

std::string seconds_text(double seconds) {
  if (seconds < 60) {
    return fmt::format("{:.{}f} s", seconds, seconds < 10 ? 2 : 1);
  }
  const auto whole = static_cast<std::int64_t>(std::llround(seconds));
  return whole < 3600 ? fmt::format("{} min {} s", whole / 60, whole % 60)
                      : fmt::format("{} h {} min", whole / 3600, whole / 60 % 60);
}

}  // namespace tessera
