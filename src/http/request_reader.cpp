// SPDX-License-Identifier: Apache-2.0
#include "http/request_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/version.hpp>
#include <boost/beast/websocket/rfc6455.hpp>

#include "base/clock.hpp"
#include "ports/job.hpp"

namespace tessera::http {
namespace beast_http = boost::beast::http;
namespace {

bool sane_request_id(std::string_view id) {
  return !id.empty() && id.size() <= 128 && std::ranges::all_of(id, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
}

}  // namespace

std::optional<Problem> read_header(const RequestReader& reader, Request& request) {
  const auto& message = reader.get();
  request.method = std::string(message.method_string());
  request.version = static_cast<int>(message.version());
  for (const auto& field : message) {
    request.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
  }
  const std::string id = request.header("X-Request-Id");
  request.id = sane_request_id(id) ? id : new_id("req", system_now());

  std::string_view target(message.target().data(), message.target().size());
  for (const std::string_view scheme : {"http://", "https://"}) {  // the absolute form, as proxies send it
    if (target.starts_with(scheme)) {
      const std::size_t slash = target.find('/', scheme.size());
      target = slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
    }
  }
  const std::size_t mark = std::min(target.find('?'), target.size());
  request.path = target.substr(0, mark);
  request.raw_query = target.substr(std::min(mark + 1, target.size()));
  if (request.path.empty() || request.path.front() != '/' || !percent_decode(request.path)) {
    return make_problem("bad-request",
                        "The request's path must begin with a slash and have whole %XX escapes.");
  }
  auto query = parse_query(request.raw_query);
  if (!query) {
    return make_problem("bad-request", "The request's query has a broken %XX escape.");
  }
  request.query = std::move(*query);
  request.websocket = boost::beast::websocket::is_upgrade(message);
  if (message.version() >= 11 && std::ranges::count_if(message, [](const auto& field) {
                                   return field.name() == beast_http::field::host;
                                 }) != 1) {
    return make_problem("bad-request", "A request of HTTP/1.1 must have exactly one Host field.");
  }
  const std::string expectation = request.header("Expect");
  if (!expectation.empty() && !equal_ignoring_case(expectation, "100-continue")) {
    return make_problem("bad-request", "The only supported expectation is 100-continue.");
  }
  // Proxies may interpret other encodings differently (request smuggling; RFC 9112, section 6.3).
  const auto is_transfer_encoding = [](const auto& field) {
    return field.name() == beast_http::field::transfer_encoding;
  };
  const auto encodings = std::ranges::count_if(message, is_transfer_encoding);
  if (encodings > 1 ||
      (encodings == 1 && (!reader.chunked() || message.version() < 11 ||
                          !equal_ignoring_case(request.header("Transfer-Encoding"), "chunked")))) {
    return make_problem("bad-request",
                        "The only supported Transfer-Encoding is 'chunked', once, in a request of HTTP/1.1.");
  }
  return std::nullopt;
}

Problem body_too_large(const Route& route, std::int64_t size_bytes) {
  return make_problem(
      "body-too-large",
      fmt::format("The request's body has {} bytes{}; the limit is {}.", size_bytes,
                  route.max_body_bytes == 0 ? " but must be empty" : "", route.max_body_bytes));
}

std::optional<Problem> check_body_header(const RequestReader& reader, const Request& request,
                                         const Route& route) {
  const auto length = reader.content_length();
  const bool has_body = reader.chunked() || (length && *length > 0);
  if (length && *length > static_cast<std::uint64_t>(route.max_body_bytes)) {
    return body_too_large(route, static_cast<std::int64_t>(std::min<std::uint64_t>(*length, INT64_MAX)));
  }
  if (has_body && !route.content_types.empty()) {
    const std::string type = media_type(request.header("Content-Type"));
    if (std::ranges::find(route.content_types, type) == route.content_types.end()) {
      return make_problem("unsupported-media-type",
                          fmt::format("The body's type is '{}'; supported are: {}.", type,
                                      fmt::join(route.content_types, ", ")),
                          {{"Accept-Post", fmt::format("{}", fmt::join(route.content_types, ", "))}});
    }
  }
  return std::nullopt;
}

std::optional<Problem> parser_problem(const boost::system::error_code& error, const ServerOptions& options) {
  static const boost::system::error_code any_parser_error = beast_http::error::bad_method;
  if (error == beast_http::error::header_limit) {
    return make_problem("header-too-large", fmt::format("The request's header is longer than {} bytes.",
                                                        options.max_header_bytes));
  }
  if (error == beast_http::error::bad_version) {
    return make_problem("http-version", "Only HTTP/1.0 and HTTP/1.1 are supported.");
  }
  if (error.category() != any_parser_error.category() || error == beast_http::error::end_of_stream ||
      error == beast_http::error::partial_message) {
    return std::nullopt;
  }
  return make_problem("bad-request", fmt::format("The request is not well-formed: {}.", error.message()));
}

Problem no_route_problem(const Request& request, const Router::Match& match) {
  if (match.allowed.empty()) {
    return make_problem("no-such-page", fmt::format("There is nothing at '{}'. All paths are listed in "
                                                    "/openapi.json.",
                                                    request.path));
  }
  std::vector<std::string> allowed = match.allowed;
  std::ranges::sort(allowed);
  allowed.erase(std::unique(allowed.begin(), allowed.end()), allowed.end());
  return make_problem("method-not-allowed",
                      fmt::format("'{}' does not support {}; supported are: {}.", request.path,
                                  request.method, fmt::join(allowed, ", ")),
                      {{"Allow", fmt::format("{}", fmt::join(allowed, ", "))}});
}

std::string write_header(const Response& response, const Request& request, std::optional<std::int64_t> length,
                         bool chunked, bool keep) {
  std::string text = fmt::format(
      "HTTP/1.1 {} {}\r\n", response.status,
      std::string_view(beast_http::obsolete_reason(static_cast<beast_http::status>(response.status))));
  const auto add = [&](std::string_view name, std::string_view value) {
    text += name;
    text += ": ";
    // A line break in a value would allow header injection.
    std::ranges::copy_if(value, std::back_inserter(text),
                         [](char c) { return static_cast<unsigned char>(c) >= 0x20 || c == '\t'; });
    text += "\r\n";
  };
  for (const auto& [name, value] : response.headers) {
    add(name, value);
  }
  add("Server", "tessera");
  add("X-Request-Id", request.id);
  add("X-Content-Type-Options", "nosniff");
  if (length) {
    add("Content-Length", std::to_string(*length));
  }
  if (chunked) {
    add("Transfer-Encoding", "chunked");
  }
  add("Connection", keep ? "keep-alive" : "close");
  return text + "\r\n";
}

}  // namespace tessera::http
