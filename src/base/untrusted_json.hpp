// SPDX-License-Identifier: Apache-2.0
// Parsing of JSON that comes from other programs and people, in bounded time and memory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.hpp"

namespace tessera {

/// Values in lists and objects in lists ..., at most so deep. What copies or writes JSON goes down by
/// recursion, and megabytes of brackets would be the end of its stack.
constexpr int max_json_depth = 64;
/// Members of one object. Json keeps their order and compares each key with all before it.
constexpr std::int64_t max_json_members = 512;
/// Values in all: each takes tens of bytes of memory, and two bytes of text.
constexpr std::int64_t max_json_values = 250'000;

/// What parsing a text takes.
struct JsonSize {
  std::int64_t values = 0;
  std::int64_t comparisons = 0;  ///< of keys with those before them
};

/// As Json::parse, in a time that grows with the text and no faster. Throws Json::parse_error, and
/// Error(usage) for what is beyond the limits above or has a number that no computer holds. `size`: see
/// JsonSize; what had been counted by then if it throws.
[[nodiscard]] Json parse_untrusted_json(std::string_view text, JsonSize* size = nullptr);

/// The text under that name; empty if `json` is no object, or has none there.
[[nodiscard]] std::string text_or_empty(const Json& json, const char* name);

}  // namespace tessera
