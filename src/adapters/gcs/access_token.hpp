// OAuth 2.0 access tokens: fetched when needed, kept until shortly before they expire.
#pragma once

#include <functional>
#include <mutex>
#include <string>

#include "net/http_client.hpp"
#include "ports/clock.hpp"

namespace tessera::gcs {

struct AccessToken {
  std::string value;
  TimePoint expires{};
};

/// Of the answer of a token server (RFC 6749, section 5), which `from` names for people. Throws
/// Error(forbidden) for what it refuses, Error(unavailable) for what cannot be understood.
[[nodiscard]] AccessToken parse_token(const HttpResponse& response, const std::string& from, TimePoint now);

/// Safe to use from many threads at once: one fetches, the others wait for it.
class TokenCache {
 public:
  TokenCache(std::function<AccessToken(TimePoint)> fetch, Clock now);
  /// A token that will be good for some minutes. Throws what fetching throws.
  std::string get();
  /// The server has refused `value`: it is not given out again.
  void drop(const std::string& value);

 private:
  std::function<AccessToken(TimePoint)> fetch_;
  Clock now_;
  std::mutex mutex_;
  AccessToken token_;
};

}  // namespace tessera::gcs
