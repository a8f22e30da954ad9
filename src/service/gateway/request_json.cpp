#include "service/gateway/request_json.hpp"

#include "core/error.hpp"
#include "schema/foreign_json.hpp"

namespace tessera::service {

Json json_of(const http::Request& request, std::int64_t max_bytes) {
  try {
    return parse_foreign_json(request.body.read_all(max_bytes));
  } catch (const Json::parse_error&) {
    throw Error(ErrorCode::usage, "The request's body is not JSON.");
  }
}

http::ProblemError over_quota(std::string sentence) {
  return http::ProblemError(http::make_problem("over-quota", std::move(sentence), {{"Retry-After", "5"}}));
}

}  // namespace tessera::service
