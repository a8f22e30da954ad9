// SPDX-License-Identifier: Apache-2.0
// The header Idempotency-Key, by which requests may be repeated without being done twice.
#pragma once

#include <mutex>
#include <set>
#include <string>

#include "http/message.hpp"
#include "service/openapi.hpp"

namespace tessera::service {

[[nodiscard]] DocumentedHeader documented_idempotency_key();

/// The header's value; empty if there is none. Throws Error(usage) if it is too long.
[[nodiscard]] std::string idempotency_key_of(const http::Request& request);

/// Marks a key as in use; rejects concurrent requests with the same key.
class KeyInFlight {
 public:
  /// `mutex` guards `keys`; both must outlive it. An empty key marks nothing. Throws ProblemError.
  KeyInFlight(std::mutex& mutex, std::set<std::string>& keys, const std::string& owner,
              const std::string& key);
  ~KeyInFlight();
  KeyInFlight(const KeyInFlight&) = delete;
  KeyInFlight& operator=(const KeyInFlight&) = delete;

 private:
  std::mutex& mutex_;
  std::set<std::string>& keys_;
  std::string key_;  ///< with its owner; empty: none
};

/// Of a body that may be long, as hexadecimal digits.
[[nodiscard]] std::string fingerprint_of(const http::Body& body);

}  // namespace tessera::service
