// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"

#include <array>
#include <cstddef>

namespace tessera {

const ErrorMeaning& meaning(ErrorCode code) {
  using enum ErrorCode;
  using enum FailureOrigin;
  static constexpr std::array table{
      ErrorMeaning{usage, "usage", 2, 400, false, request, "The command or request is malformed."},
      ErrorMeaning{unknown_operator, "unknown-operator", 3, 422, false, request,
                   "No operator has that name."},
      ErrorMeaning{bad_parameter, "bad-parameter", 3, 422, false, request,
                   "A parameter is unknown, of the wrong type or out of its range."},
      ErrorMeaning{not_found, "not-found", 4, 404, false, request, "A file or object does not exist."},
      ErrorMeaning{unsupported_input, "unsupported-input", 5, 415, false, request,
                   "The content is not an image format that Tessera reads."},
      ErrorMeaning{damaged_input, "damaged-input", 6, 422, false, request,
                   "The image is truncated or corrupt."},
      ErrorMeaning{limit_exceeded, "limit-exceeded", 7, 413, false, request, "The input exceeds a limit."},
      ErrorMeaning{io, "io", 8, 503, true, machine, "Reading or writing failed."},
      ErrorMeaning{cancelled, "cancelled", 130, 409, false, request, "The work was cancelled."},
      ErrorMeaning{rank_lost, "rank-lost", 9, 503, true, machine, "An MPI rank died or stopped answering."},
      ErrorMeaning{unauthorized, "unauthorized", 10, 401, false, request,
                   "The token is missing, unknown or expired."},
      ErrorMeaning{forbidden, "forbidden", 10, 403, false, request, "The token or link does not allow this."},
      ErrorMeaning{conflict, "conflict", 11, 409, false, request,
                   "The request does not go with the present state or an earlier request."},
      ErrorMeaning{busy, "busy", 12, 503, true, server, "Too much work is waiting already."},
      ErrorMeaning{unavailable, "unavailable", 12, 503, true, server,
                   "A server that is needed does not answer."},
      ErrorMeaning{internal, "internal", 70, 500, false, request, "A defect in Tessera."},
  };
  return table.at(static_cast<std::size_t>(code));
}

std::optional<ErrorCode> error_code_named(std::string_view name) {
  for (int code = 0; code <= static_cast<int>(ErrorCode::internal); ++code) {
    if (meaning(static_cast<ErrorCode>(code)).name == name) {
      return static_cast<ErrorCode>(code);
    }
  }
  return std::nullopt;
}

}  // namespace tessera
