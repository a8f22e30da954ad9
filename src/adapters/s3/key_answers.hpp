// What those who give keys answer, and what a file of keys says.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "adapters/s3/keys.hpp"
#include "net/http_client.hpp"

namespace tessera::s3 {

/// "2026-11-24T04:05:06Z", with a fraction or +00:00 as well. Throws Error(usage).
[[nodiscard]] TimePoint parse_expiry(const std::string& text);

/// The JSON of a container's or a machine's role. `from` names who answers, for people. Throws
/// Error(forbidden) for what is refused, Error(unavailable) for what cannot be understood.
[[nodiscard]] Keys parse_role_keys(const HttpResponse& response, const std::string& from);

/// The XML of AssumeRoleWithWebIdentity. Throws likewise.
[[nodiscard]] Keys parse_web_identity_keys(const HttpResponse& response, const std::string& from);

/// A profile's of the text of a credentials file; nothing if there is no such profile. Throws Error(usage) if
/// it has no keys.
[[nodiscard]] std::optional<sigv4::Credentials> parse_profile(std::string_view text,
                                                              std::string_view profile);

}  // namespace tessera::s3
