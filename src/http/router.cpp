// SPDX-License-Identifier: Apache-2.0
#include "http/router.hpp"

#include <algorithm>
#include <optional>

namespace tessera::http {
namespace {

std::string_view next_part(std::string_view& rest) {
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  const std::string_view part = rest.substr(0, slash);
  rest.remove_prefix(std::min(slash + 1, rest.size()));
  return part;
}

std::optional<Pairs> match(std::string_view pattern, std::string_view path) {
  Pairs parameters;
  if (path.empty() || path.front() != '/') {
    return std::nullopt;
  }
  pattern.remove_prefix(1);
  path.remove_prefix(1);
  bool path_ended = false;
  while (!pattern.empty()) {
    constexpr std::string_view tail = "...}";
    const std::string_view wanted = next_part(pattern);
    if (path_ended) {
      return std::nullopt;
    }
    const bool parameter = wanted.starts_with('{');
    const bool all = parameter && wanted.ends_with(tail);
    const std::string_view given = all ? path : path.substr(0, path.find('/'));
    if (parameter) {
      const auto value = percent_decode(given);
      if (!value || value->empty()) {
        return std::nullopt;
      }
      parameters.emplace_back(wanted.substr(1, wanted.size() - 1 - (all ? tail.size() : 1)), *value);
    } else if (wanted != given) {
      return std::nullopt;
    }
    path_ended = given.size() == path.size();
    path.remove_prefix(std::min(given.size() + 1, path.size()));
  }
  return path_ended || path.empty() ? std::optional(parameters) : std::nullopt;
}

}  // namespace

Router::Match Router::find(std::string_view method, std::string_view path) const {
  Match result;
  for (const Route& route : routes_) {
    auto parameters = match(route.pattern, path);
    if (!parameters) {
      continue;
    }
    if (route.method == method || (route.method == "GET" && method == "HEAD")) {
      result.route = &route;
      result.parameters = std::move(*parameters);
      result.allowed.clear();
      return result;
    }
    result.allowed.push_back(route.method);
    if (route.method == "GET") {
      result.allowed.emplace_back("HEAD");
    }
  }
  return result;
}

}  // namespace tessera::http
