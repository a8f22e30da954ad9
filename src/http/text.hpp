// SPDX-License-Identifier: Apache-2.0
// HTTP grammars that Beast does not parse: queries, header values, byte ranges.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "net/crypto.hpp"

namespace tessera::http {

using Pairs = std::vector<std::pair<std::string, std::string>>;

/// Decodes "a=1&b=two". Nothing for an invalid escape.
[[nodiscard]] std::optional<Pairs> parse_query(std::string_view text);

[[nodiscard]] bool equal_ignoring_case(std::string_view a, std::string_view b);
/// "text/html" of "Text/HTML; charset=utf-8".
[[nodiscard]] std::string media_type(std::string_view content_type);
/// The value of a parameter such as boundary in `multipart/form-data; boundary="x"`; empty if there is none.
[[nodiscard]] std::string header_parameter(std::string_view value, std::string_view name);

/// Result of parsing a Range header for a body of known size.
struct WholeBody {};      ///< no header, several ranges, or an invalid one: the whole body
struct Unsatisfiable {};  ///< 416
struct Span {
  std::int64_t first = 0;
  std::int64_t last = 0;  ///< inclusive
};
using RangeAnswer = std::variant<WholeBody, Unsatisfiable, Span>;
[[nodiscard]] RangeAnswer parse_range(std::string_view header, std::int64_t size_bytes);

}  // namespace tessera::http
