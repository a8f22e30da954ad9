// SPDX-License-Identifier: Apache-2.0
#include "http/problem.hpp"

#include <algorithm>
#include <stdexcept>

namespace tessera::http {

const std::vector<ProblemType>& problem_types() {
  static const std::vector<ProblemType> types = [] {
    std::vector<ProblemType> all;
    for (int code = 0; code <= static_cast<int>(ErrorCode::internal); ++code) {
      const ErrorMeaning& entry = meaning(static_cast<ErrorCode>(code));
      all.push_back({entry.name, entry.http_status, entry.summary});
    }
    all.insert(all.end(),
               {{"bad-request", 400, "The request is not well-formed HTTP."},
                {"no-such-page", 404, "There is no resource at this path."},
                {"method-not-allowed", 405, "The path exists, but not with this method."},
                {"in-flight", 409, "A request with the same Idempotency-Key is in progress."},
                {"not-finished", 409, "The job has no result yet, or never will."},
                {"body-too-large", 413, "The request's body is longer than allowed here."},
                {"unsupported-media-type", 415, "The request's body has an unsupported media type."},
                {"idempotency-mismatch", 422, "The Idempotency-Key was used with another request."},
                {"upgrade-required", 426, "This path supports only WebSocket."},
                {"over-quota", 429, "The owner's quota is used up."},
                {"header-too-large", 431, "The request's header is longer than allowed."},
                {"not-implemented", 501, "The server does not support what the request's header demands."},
                {"http-version", 505, "Only HTTP/1.0 and HTTP/1.1 are supported."}});
    return all;
  }();
  return types;
}

Problem make_problem(std::string_view name, std::string detail, Pairs headers) {
  const auto& types = problem_types();
  const auto found = std::ranges::find(types, name, &ProblemType::name);
  if (found == types.end()) {
    throw std::logic_error("There is no problem type '" + std::string(name) + "'.");
  }
  return {found->status, std::string(found->name), std::string(found->title), std::move(detail),
          std::move(headers)};
}

Problem make_problem(const Error& error) {
  const ErrorMeaning& entry = meaning(error.code());
  Problem problem = make_problem(entry.name, error.what());
  if (entry.retry) {
    problem.headers.emplace_back("Retry-After", std::string(default_retry_after));
  }
  if (error.code() == ErrorCode::unauthorized) {
    problem.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"tessera\"");
  }
  return problem;
}

Response problem_response(const Problem& problem, const std::string& instance) {
  const Json json{{"type", "/problems/" + problem.name},
                  {"title", problem.title},
                  {"status", problem.status},
                  {"detail", problem.detail},
                  {"instance", instance}};
  Response response = json_response(problem.status, json);
  response.headers = {{"Content-Type", "application/problem+json"}, {"Cache-Control", "no-store"}};
  response.headers.insert(response.headers.end(), problem.headers.begin(), problem.headers.end());
  const bool transient = problem.status == 429 || problem.status == 503;
  if (transient &&
      std::ranges::find(problem.headers, "Retry-After", &Pairs::value_type::first) == problem.headers.end()) {
    response.with("Retry-After", std::string(default_retry_after));
  }
  return response;
}

}  // namespace tessera::http
