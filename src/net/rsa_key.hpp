// SPDX-License-Identifier: Apache-2.0
// RSA signatures (RFC 8017, PKCS #1 v1.5 with SHA-256: RS256 in JWT).
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace tessera {

/// A private key. Safe to use from many threads at once.
class RsaKey {
 public:
  /// Reads a PEM file without a password. Throws Error(usage) whose message does not reveal the key.
  static RsaKey from_pem(std::string_view pem);
  [[nodiscard]] std::string sign_sha256(std::string_view bytes) const;

 private:
  struct Key;
  explicit RsaKey(std::shared_ptr<const Key> key) : key_(std::move(key)) {}
  std::shared_ptr<const Key> key_;
};

}  // namespace tessera
