// SPDX-License-Identifier: Apache-2.0
#include "service/origins.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/printable.hpp"
#include "base/text.hpp"
#include "http/problem.hpp"
#include "http/server.hpp"
#include "net/redact.hpp"

namespace tessera::service {
namespace {

constexpr const char* allowed_methods = "GET, HEAD, POST, PUT, DELETE";
constexpr const char* allowed_headers =
    "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, Prefer, Range, X-Request-Id";
constexpr const char* exposed_headers =
    "Content-Disposition, Content-Range, ETag, Link, Location, Preference-Applied, Retry-After, X-Request-Id";
constexpr const char* preflight_seconds = "600";

/// "[::1]" of "[::1]:8080", "localhost" of "localhost:8080".
std::string without_port(const std::string& host) {
  const std::size_t colon = host.rfind(':');
  return colon == std::string::npos || host.find(']', colon) != std::string::npos ? host
                                                                                  : host.substr(0, colon);
}

/// Lower-case scheme, host and port; "null" and invalid origins are kept.
std::string normalised(std::string origin) {
  origin = ascii_lowered(std::move(origin));
  for (const auto& [scheme, port] : {std::pair("http://", ":80"), std::pair("https://", ":443")}) {
    if (origin.starts_with(scheme) && origin.ends_with(port)) {
      origin.resize(origin.size() - std::string_view(port).size());
    }
  }
  return origin;
}

bool is_safe(const std::string& method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "TRACE";
}

http::Response refusal(const http::Request& request, std::string sentence) {
  return http::problem_response(http::make_problem("forbidden", std::move(sentence)), request.path);
}

}  // namespace

OriginPolicy::OriginPolicy(OriginOptions options) : options_(std::move(options)) {
  for (std::string& origin : options_.allowed) {
    const bool scheme = origin.starts_with("http://") || origin.starts_with("https://");
    if (!scheme || origin != origin_of_url(origin) || origin.ends_with("//") ||
        origin.find_first_of("*, @") != std::string::npos) {
      throw Error(ErrorCode::usage,
                  fmt::format("'{}' is not an origin of web pages: write scheme, host and, if it is not the "
                              "default, port, such as https://images.example.org.",
                              printable(origin)));
    }
    origin = normalised(std::move(origin));
  }
}

bool OriginPolicy::is_allowed(const std::string& origin) const {
  return std::ranges::find(options_.allowed, normalised(origin)) != options_.allowed.end();
}

bool OriginPolicy::is_own_host(const std::string& host) const {
  const std::string name = ascii_lowered(without_port(host));
  const bool bracketed = name.starts_with('[') && name.ends_with(']');
  return name == "localhost" || http::is_loopback(bracketed ? name.substr(1, name.size() - 2) : name) ||
         (!options_.public_url.empty() && name == without_port(authority_of_url(options_.public_url)));
}

std::optional<http::Response> OriginPolicy::screen(const http::Request& request) const {
  const std::string host = request.header("Host");
  if (options_.open && !host.empty() && !is_own_host(host)) {
    return refusal(
        request,
        fmt::format("This service requires no authentication, so it accepts only the host names of its own "
                    "machine, and '{}' is not one of them: use 127.0.0.1 or localhost, or start it "
                    "with --public-url.",
                    printable(host.substr(0, 100))));
  }
  const std::string origin = request.header("Origin");
  const bool allowed = !origin.empty() && is_allowed(origin);
  if (request.method == "OPTIONS" && !origin.empty() &&
      !request.header("Access-Control-Request-Method").empty()) {
    if (!allowed) {
      return refusal(request, fmt::format("Pages of '{}' may not use this service: start it with "
                                          "--allow-origin to let them.",
                                          printable(origin.substr(0, 100))));
    }
    return http::Response{204,
                          {{"Access-Control-Allow-Methods", allowed_methods},
                           {"Access-Control-Allow-Headers", allowed_headers},
                           {"Access-Control-Max-Age", preflight_seconds}},
                          std::string()};
  }
  if (allowed || (is_safe(request.method) && !request.websocket)) {
    return std::nullopt;
  }
  const std::string site = ascii_lowered(request.header("Sec-Fetch-Site"));
  const bool by_site = !site.empty() && site != "same-origin" && site != "none";
  const std::string own = options_.public_url.empty() ? std::string() : origin_of_url(options_.public_url);
  const bool by_origin = !origin.empty() && authority_of_url(normalised(origin)) != ascii_lowered(host) &&
                         normalised(origin) != normalised(own);
  if (by_site || by_origin) {
    return refusal(request, fmt::format("This request was sent by a page of another origin ({}), which may "
                                        "not use this service: start it with --allow-origin to let it.",
                                        origin.empty() ? "Sec-Fetch-Site: " + printable(site.substr(0, 100))
                                                       : printable(origin.substr(0, 100))));
  }
  return std::nullopt;
}

void OriginPolicy::finish(const http::Request& request, http::Response& response) const {
  const bool any_origin = std::ranges::any_of(
      response.headers, [](const auto& field) { return field.first == "Access-Control-Allow-Origin"; });
  if (options_.allowed.empty() || any_origin) {
    return;
  }
  response.with("Vary", "Origin");
  const std::string origin = request.header("Origin");
  if (!origin.empty() && is_allowed(origin)) {
    response.with("Access-Control-Allow-Origin", origin)
        .with("Access-Control-Expose-Headers", exposed_headers);
  }
}

}  // namespace tessera::service
