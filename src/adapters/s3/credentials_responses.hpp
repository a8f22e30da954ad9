// SPDX-License-Identifier: Apache-2.0
// Parsers for the responses of credentials services, and for the shared credentials file.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "adapters/s3/credentials.hpp"
#include "net/http_client.hpp"

namespace tessera::s3 {

/// Parses "2026-11-24T04:05:06Z", with an optional fraction, or +00:00 in place of Z. Throws Error(usage).
[[nodiscard]] TimePoint parse_expiry(const std::string& text);

/// The JSON of a container's or an instance's role. `from` names the service in error messages. Throws
/// Error(forbidden) if it refuses, Error(unavailable) for an invalid response.
[[nodiscard]] ExpiringCredentials parse_role_credentials(const HttpResponse& response,
                                                         const std::string& from);

/// The XML of AssumeRoleWithWebIdentity. Throws the same errors.
[[nodiscard]] ExpiringCredentials parse_web_identity_credentials(const HttpResponse& response,
                                                                 const std::string& from);

/// The credentials of a profile in the text of a shared credentials file; nothing if there is no such
/// profile. Throws Error(usage) if the profile is incomplete.
[[nodiscard]] std::optional<sigv4::Credentials> parse_profile(std::string_view text,
                                                              std::string_view profile);

}  // namespace tessera::s3
