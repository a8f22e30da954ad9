// Errors as clients see them: RFC 9457 problem documents. Types are /problems/NAME on the server that
// answers, where NAME is of the error table or one of the few that only HTTP knows.
#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "http/message.hpp"

namespace tessera::http {

/// Seconds after which a client may try again, where nothing better is known.
inline constexpr std::string_view default_retry_after = "5";

struct Problem {
  int status = 500;
  std::string name;    ///< "bad-parameter"; the last part of the type
  std::string title;   ///< of the type, the same for all of its problems
  std::string detail;  ///< the sentence about this one
  Pairs headers;
};

/// Thrown by handlers where the error table does not say enough.
class ProblemError : public std::exception {
 public:
  explicit ProblemError(Problem problem) : problem_(std::move(problem)) {}
  [[nodiscard]] const Problem& problem() const noexcept { return problem_; }
  [[nodiscard]] const char* what() const noexcept override { return problem_.detail.c_str(); }

 private:
  Problem problem_;
};

/// All types there are.
struct ProblemType {
  std::string_view name;
  int status;
  std::string_view title;
};
[[nodiscard]] const std::vector<ProblemType>& problem_types();

/// One of a type that HTTP has beside the error table ("method-not-allowed", "idempotency-mismatch", ...).
[[nodiscard]] Problem make_problem(std::string_view name, std::string detail, Pairs headers = {});
/// By the error table. What may pass carries Retry-After.
[[nodiscard]] Problem make_problem(const Error& error);
/// Every 429 and 503 gets a Retry-After.
[[nodiscard]] Response problem_response(const Problem& problem, const std::string& instance);

}  // namespace tessera::http
