// Bodies that must be JSON, and refusals that several routes share.
#pragma once

#include <cstdint>
#include <string>

#include "http/message.hpp"
#include "http/problem.hpp"
#include "schema/param.hpp"

namespace tessera::service {

inline constexpr const char* problem_type = "application/problem+json";

/// Throws Error(usage) if the body is not JSON, and Error(limit_exceeded) if it is longer.
[[nodiscard]] Json json_of(const http::Request& request, std::int64_t max_bytes);

/// The owner has as much as is allowed; `sentence` says what, how much, and what to do. 429.
[[nodiscard]] http::ProblemError over_quota(std::string sentence);

}  // namespace tessera::service
