// SPDX-License-Identifier: Apache-2.0
// JSON bodies, and errors shared by several routes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/json.hpp"
#include "http/message.hpp"
#include "http/problem.hpp"
#include "service/views.hpp"

namespace tessera::service {

inline constexpr const char* problem_type = "application/problem+json";

/// Throws Error(usage) if the body is not JSON, and Error(limit_exceeded) if it is longer.
[[nodiscard]] Json json_of(const http::Request& request, std::int64_t max_bytes);

/// The audience that the caller belongs to.
[[nodiscard]] Viewer viewer_of(const http::Request& request);

/// type/subtype with parameters, in characters allowed in a header (RFC 9110), at most 255 bytes.
[[nodiscard]] bool is_content_type(std::string_view text);

/// A 429 problem: the owner's quota is used up; `sentence` says what is limited, the values, and what to do.
[[nodiscard]] http::ProblemError over_quota(std::string sentence);

/// Runs `work` and converts its Error(busy) to over_quota().
template <class Work>
auto within_quota(const Work& work) {
  try {
    return work();
  } catch (const Error& error) {
    if (error.code() == ErrorCode::busy) {
      throw over_quota(error.what());
    }
    throw;
  }
}

}  // namespace tessera::service
