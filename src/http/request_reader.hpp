// SPDX-License-Identifier: Apache-2.0
// Converts parsed Beast requests to Request. Private to the layer.
#pragma once

#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <optional>

#include "http/message.hpp"
#include "http/problem.hpp"
#include "http/server.hpp"

namespace tessera::http {

using RequestReader = boost::beast::http::request_parser<boost::beast::http::buffer_body>;

/// Fills `request` from a parsed header. Returns a problem if it is invalid.
[[nodiscard]] std::optional<Problem> read_header(const RequestReader& reader, Request& request);
/// Checks the announced body against the route. Returns a problem if it is refused.
[[nodiscard]] std::optional<Problem> check_body_header(const RequestReader& reader, const Request& request,
                                                       const Route& route);
/// The problem for an error of Beast's parser; nothing if the connection just ended.
[[nodiscard]] std::optional<Problem> parser_problem(const boost::system::error_code& error,
                                                    const ServerOptions& options);
/// 404 or 405 with Allow.
[[nodiscard]] Problem no_route_problem(const Request& request, const Router::Match& match);
/// Status line and header of a response. Without `length`, the body is chunked or ends with the connection.
[[nodiscard]] std::string write_header(const Response& response, const Request& request,
                                       std::optional<std::int64_t> length, bool chunked, bool keep);
[[nodiscard]] Problem body_too_large(const Route& route, std::int64_t size_bytes);

}  // namespace tessera::http
