// Bodies that must be JSON, and refusals that several routes share.
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

/// How much the caller is shown.
[[nodiscard]] Viewer viewer_of(const http::Request& request);

/// type/subtype with parameters, in the letters that a header may have (RFC 9110), at most 255 of them.
[[nodiscard]] bool is_content_type(std::string_view text);

/// The owner has as much as is allowed; `sentence` says what, how much, and what to do. 429.
[[nodiscard]] http::ProblemError over_quota(std::string sentence);

/// What `work` returns; its Error(busy) becomes over_quota().
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
