// SPDX-License-Identifier: Apache-2.0
#include "http/text.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/text.hpp"

namespace tessera::http {
namespace {

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || text[0] == '-' || end != text.data() + text.size()) {
    return std::nullopt;
  }
  // A number that does not fit is beyond the end of any body.
  if (problem == std::errc::result_out_of_range) {
    return std::numeric_limits<std::int64_t>::max();
  }
  return problem == std::errc() ? std::optional(value) : std::nullopt;
}

}  // namespace

std::optional<Pairs> parse_query(std::string_view text) {
  Pairs pairs;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('&'), text.size());
    const std::string_view part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (part.empty()) {
      continue;
    }
    const std::size_t equals = std::min(part.find('='), part.size());
    auto name = percent_decode(part.substr(0, equals), true);
    auto value = percent_decode(part.substr(std::min(equals + 1, part.size())), true);
    if (!name || !value) {
      return std::nullopt;
    }
    pairs.emplace_back(std::move(*name), std::move(*value));
  }
  return pairs;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, ascii_lower, ascii_lower);
}

std::string media_type(std::string_view content_type) {
  return ascii_lowered(std::string(trim(content_type.substr(0, content_type.find(';')))));
}

std::string header_parameter(std::string_view value, std::string_view name) {
  std::size_t at = value.find(';');
  while (at < value.size()) {
    ++at;
    const std::size_t equals = value.find('=', at);
    if (equals == std::string_view::npos) {
      break;
    }
    const std::string_view found = trim(value.substr(at, equals - at));
    std::string text;
    at = equals + 1;
    if (at < value.size() && value[at] == '"') {
      for (++at; at < value.size() && value[at] != '"'; ++at) {
        // Browsers escape only quotes; any other backslash is part of a file name.
        if (value[at] == '\\' && at + 1 < value.size() && value[at + 1] == '"') {
          ++at;
        }
        text += value[at];
      }
      at = value.find(';', at);
    } else {
      const std::size_t end = std::min(value.find(';', at), value.size());
      text = trim(value.substr(at, end - at));
      at = end;
    }
    if (equal_ignoring_case(found, name)) {
      return text;
    }
  }
  return {};
}

RangeAnswer parse_range(std::string_view header, std::int64_t size_bytes) {
  header = trim(header);
  constexpr std::string_view unit = "bytes=";
  if (header.size() < unit.size() || !equal_ignoring_case(header.substr(0, unit.size()), unit)) {
    return WholeBody{};
  }
  const std::string_view range = trim(header.substr(unit.size()));
  const std::size_t dash = range.find('-');
  if (dash == std::string_view::npos || range.find(',') != std::string_view::npos) {
    return WholeBody{};
  }
  const std::string_view first_text = trim(range.substr(0, dash));
  const std::string_view last_text = trim(range.substr(dash + 1));
  const auto last = whole_number(last_text);
  if (first_text.empty()) {  // the last N bytes
    if (!last) {
      return WholeBody{};
    }
    if (*last == 0 || size_bytes == 0) {
      return Unsatisfiable{};
    }
    return Span{std::max<std::int64_t>(0, size_bytes - *last), size_bytes - 1};
  }
  const auto first = whole_number(first_text);
  if (!first || (!last && !last_text.empty()) || (last && *last < *first)) {
    return WholeBody{};
  }
  if (*first >= size_bytes) {
    return Unsatisfiable{};
  }
  return Span{*first, std::min(last.value_or(size_bytes - 1), size_bytes - 1)};
}

}  // namespace tessera::http
