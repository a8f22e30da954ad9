#include "schema/amount.hpp"

#include <fmt/format.h>

#include <charconv>

#include "core/error.hpp"

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

}  // namespace tessera
