// SPDX-License-Identifier: Apache-2.0
#include "plan/parse_json.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/untrusted_json.hpp"

namespace tessera {

std::size_t column_of(std::string_view text, std::size_t at) {
  return 1 + static_cast<std::size_t>(
                 std::count_if(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at),
                               [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80; }));
}

Json parse_json(std::string_view text, std::string_view what) {
  try {
    return parse_untrusted_json(text);
  } catch (const Json::parse_error& error) {
    throw Error(
        ErrorCode::usage,
        fmt::format("{} is not valid JSON: something is wrong at character {}.", what,
                    column_of(text, std::min(text.size(), std::max<std::size_t>(error.byte, 1) - 1))));
  } catch (const Json::exception& error) {
    throw Error(ErrorCode::usage, fmt::format("{} is not valid JSON: {}.", what, error.what()));
  }
}

}  // namespace tessera
