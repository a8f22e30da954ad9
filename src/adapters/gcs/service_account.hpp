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
  std::string token_url;        ///< where a signed assertion is given for an access token
  std::string universe_domain;  ///< "googleapis.com", or the domain of a cloud that Google runs for others
};

/// Of the JSON that Google gives with a new key. Throws Error(usage), in words that tell nothing of the key.
[[nodiscard]] ServiceAccount parse_service_account(std::string_view json);
/// Of a file. Throws Error(usage, not_found, io) with its name.
[[nodiscard]] ServiceAccount read_service_account(const std::filesystem::path& file);

/// A JSON Web Token (RFC 7519, RS256) that asks for an access token to read and write objects (RFC 7523),
/// good for an hour from `now`.
[[nodiscard]] std::string assertion(const ServiceAccount& account, TimePoint now);

}  // namespace tessera::gcs
