// SPDX-License-Identifier: Apache-2.0
// RFC 9457 problem documents. Types are /problems/NAME on the responding server, where NAME is from the error
// table or specific to HTTP.
#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "http/message.hpp"

namespace tessera::http {

/// Default value of Retry-After, in seconds.
inline constexpr std::string_view default_retry_after = "5";

struct Problem {
  int status = 500;
  std::string name;    ///< "bad-parameter"; the last part of the type
  std::string title;   ///< of the type
  std::string detail;  ///< description of this occurrence
  Pairs headers;
};

/// Thrown by handlers for problems that are not in the error table.
class ProblemError : public std::exception {
 public:
  explicit ProblemError(Problem problem) : problem_(std::move(problem)) {}
  [[nodiscard]] const Problem& problem() const noexcept { return problem_; }
  [[nodiscard]] const char* what() const noexcept override { return problem_.detail.c_str(); }

 private:
  Problem problem_;
};

/// All problem types.
struct ProblemType {
  std::string_view name;
  int status;
  std::string_view title;
};
[[nodiscard]] const std::vector<ProblemType>& problem_types();

/// Makes a problem of an HTTP-specific type ("method-not-allowed", "idempotency-mismatch", ...).
[[nodiscard]] Problem make_problem(std::string_view name, std::string detail, Pairs headers = {});
/// Makes a problem from the error table. Transient errors get Retry-After.
[[nodiscard]] Problem make_problem(const Error& error);
/// Adds Retry-After to every 429 and 503.
[[nodiscard]] Response problem_response(const Problem& problem, const std::string& instance);

}  // namespace tessera::http
