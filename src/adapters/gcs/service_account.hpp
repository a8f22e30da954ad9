// SPDX-License-Identifier: Apache-2.0
// Key files of Google service accounts.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "net/rsa_key.hpp"

namespace tessera::gcs {

struct ServiceAccount {
  std::string email;
  std::string key_id;
  RsaKey key;
  std::string token_url;        ///< exchanges a signed assertion for an access token
  std::string universe_domain;  ///< "googleapis.com", or the domain of a partner cloud
};

/// Parses the JSON of a key file. Throws Error(usage) whose message does not reveal the key.
[[nodiscard]] ServiceAccount parse_service_account(std::string_view json);
/// Reads a key file. Throws Error(usage, not_found, io) with its name.
[[nodiscard]] ServiceAccount read_service_account(const std::filesystem::path& file);

/// A JSON Web Token (RFC 7519, RS256) that requests an access token to read and write objects (RFC 7523),
/// valid for an hour from `now`.
[[nodiscard]] std::string assertion(const ServiceAccount& account, TimePoint now);

}  // namespace tessera::gcs
