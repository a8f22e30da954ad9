// Turns what Beast has parsed into a Request. Inside of the layer only.
#pragma once

#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <optional>

#include "http/message.hpp"
#include "http/problem.hpp"
#include "http/server.hpp"

namespace tessera::http {

using RequestReader = boost::beast::http::request_parser<boost::beast::http::buffer_body>;

/// Fills `request` from a header that has been read. Returns why it cannot be served, if so.
[[nodiscard]] std::optional<Problem> take_header(const RequestReader& reader, Request& request);
/// Why a body of this route is refused by its header alone.
[[nodiscard]] std::optional<Problem> refuse_body(const RequestReader& reader, const Request& request,
                                                 const Route& route);
/// The problem that stands for an error of Beast's parser; nothing if the connection just ended.
[[nodiscard]] std::optional<Problem> parser_problem(const boost::system::error_code& error,
                                                    const ServerOptions& options);
/// 404 or 405 with Allow.
[[nodiscard]] Problem no_route_problem(const Request& request, const Router::Match& match);
/// Status line and header of an answer. `length`: none for chunks or for a body that ends with the
/// connection.
[[nodiscard]] std::string write_header(const Response& response, const Request& request,
                                       std::optional<std::int64_t> length, bool chunked, bool keep);
[[nodiscard]] Problem body_too_large(const Route& route, std::int64_t size_bytes);

}  // namespace tessera::http
