// JSON that strangers wrote.
#pragma once

#include <string>
#include <string_view>

#include "schema/param.hpp"

namespace tessera {

/// Values in lists and objects in lists ..., at most so deep. What copies or writes JSON goes down by
/// recursion, and megabytes of brackets would be the end of its stack.
constexpr int most_json_depth = 64;

/// As Json::parse. Throws Json::parse_error, and Error(usage) for what is nested deeper than that.
[[nodiscard]] Json parse_foreign_json(std::string_view text);

/// The text under that name; empty if `json` is no object, or has none there.
[[nodiscard]] std::string text_or_empty(const Json& json, const char* name);

}  // namespace tessera
