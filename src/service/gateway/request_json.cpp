// SPDX-License-Identifier: Apache-2.0
#include "service/gateway/request_json.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/untrusted_json.hpp"
#include "service/access.hpp"

namespace tessera::service {

Json json_of(const http::Request& request, std::int64_t max_bytes) {
  try {
    return parse_untrusted_json(request.body.read_all(max_bytes));
  } catch (const Json::exception&) {
    throw Error(ErrorCode::usage, "The request's body is not JSON.");
  }
}

Viewer viewer_of(const http::Request& request) {
  return caller_of(request).is_admin() ? Viewer::administrator : Viewer::client;
}

bool is_content_type(std::string_view text) {
  constexpr std::size_t max_bytes = 255;
  const std::size_t slash = text.find('/');
  return slash != 0 && slash != std::string_view::npos && slash + 1 < text.size() &&
         text.size() <= max_bytes &&
         std::ranges::all_of(text, [](unsigned char c) { return c >= ' ' && c < 127; });
}

http::ProblemError over_quota(std::string sentence) {
  return http::ProblemError(http::make_problem("over-quota", std::move(sentence), {{"Retry-After", "5"}}));
}

}  // namespace tessera::service
