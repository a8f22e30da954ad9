// SPDX-License-Identifier: Apache-2.0
// Authentication and authorization with bearer tokens, of which only hashes are stored.
//
// Missing data never opens the service: without a token in the store every request is refused. A service is
// open only if its operator requests it (--open, on loopback).
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.hpp"
#include "ports/job_store.hpp"
#include "service/recent_values.hpp"

namespace tessera::service {

struct Caller {
  std::string owner;
  int scopes = 0;
  std::string token_hash = {};                  ///< empty: authentication is disabled
  std::optional<TimePoint> token_expires = {};  ///< as known when the caller was authenticated
  [[nodiscard]] bool may(Scope scope) const { return (scopes & static_cast<int>(scope)) != 0; }
  [[nodiscard]] bool is_admin() const { return may(Scope::admin); }
  /// Whether the caller may see resources of this owner.
  [[nodiscard]] bool may_see(const std::string& other) const { return is_admin() || other == owner; }
};

enum class Authentication : std::uint8_t {
  required,  ///< a token is required, even while none exists
  disabled,  ///< callers without a token are "local" and may do everything
};

struct StreamToken {
  std::string token;
  TimePoint expires{};
};

/// Tokens are looked up at each check, but what the store has said is used for a moment: a token that is removed from
/// the store is refused after token_recency.lifetime at the latest. Safe to use from many threads.
class Access {
 public:
  static inline const RecentOptions token_recency{.lifetime = std::chrono::seconds(1), .max_values = 10'000};

  explicit Access(TokenStore& tokens, Authentication authentication = Authentication::required,
                  Clock now = system_now, RecentOptions recency = token_recency);
  /// Checks the Authorization header. Throws Error(unauthorized, forbidden).
  [[nodiscard]] Caller check(const http::Request& request, Scope scope);

  // Browsers cannot send headers with EventSource and WebSocket, and URLs are easily disclosed. So browsers
  // exchange their token for a stream token, which is valid for a few minutes and for events only. It
  // contains its expiry and the id of the original token, authenticated with that token's hash: any notifier
  // on the same state store can verify it, and it ends with the original token.

  /// Throws Error(conflict) if authentication is disabled.
  [[nodiscard]] StreamToken new_stream_token(const Caller& caller) const;
  /// As check() with Scope::read; also accepts a stream token in the query parameter "token".
  [[nodiscard]] Caller check_stream(const http::Request& request);
  // Viewers of images take addresses and send no headers, so that an address itself may carry the right to see one
  // picture: signed like a stream token, but for that subject only.

  /// "EXPIRES.ID.SIGNATURE", for an address; empty if authentication is disabled.
  [[nodiscard]] std::string sign_subject(const Caller& caller, std::string_view subject,
                                         TimePoint expires) const;
  /// The caller who has signed the subject. Throws Error(forbidden) if nobody did, or it has expired.
  [[nodiscard]] Caller check_subject(std::string_view subject, std::string_view signature);
  /// The same without asking the store, so that it never blocks: nothing if that would be needed, or if check_subject()
  /// would throw.
  [[nodiscard]] std::optional<Caller> known_signer(std::string_view subject, std::string_view signature);
  /// Whether a text has the form of such a signature.
  [[nodiscard]] static bool is_signature(std::string_view text);
  [[nodiscard]] bool open() const { return authentication_ == Authentication::disabled; }

  /// Whether the caller's token is still valid. Throws Error(unavailable).
  [[nodiscard]] bool is_still_valid(const Caller& caller);

  static constexpr const char* stream_token_field = "token";
  static constexpr std::chrono::minutes stream_token_lifetime{5};

 private:
  using FoundToken = RecentValues<Token>::Found;
  /// Null if there is none; it may have expired.
  [[nodiscard]] FoundToken find_token(const std::string& hash);
  [[nodiscard]] FoundToken token_with_id(const std::string& id);
  /// Empty if the id is not known yet.
  [[nodiscard]] std::string known_hash(const std::string& id);
  [[nodiscard]] bool has_expired(const Token& token) const {
    return token.expires && *token.expires <= now_();
  }
  [[nodiscard]] Caller check_stream_token(const std::string& text);
  [[noreturn]] void refuse(const std::string& sentence);
  [[nodiscard]] bool has_tokens();
  TokenStore& tokens_;
  const Authentication authentication_;
  const Clock now_;
  RecentValues<Token> recent_tokens_;  ///< by hash
  std::mutex mutex_;
  std::map<std::string, std::string> hash_of_id_;  ///< of tokens that stream tokens were derived from
  bool has_tokens_ = false;
  std::chrono::steady_clock::time_point has_tokens_known_until_{};
};

/// An admit function that requires the scope and stores the Caller in the request.
[[nodiscard]] std::function<void(http::Request&)> require_scope(Access& access, Scope scope);
/// The same for event streams.
[[nodiscard]] std::function<void(http::Request&)> require_stream_scope(Access& access);
/// The caller that require_scope() has authenticated.
[[nodiscard]] const Caller& caller_of(const http::Request& request);

/// The stored form of a token.
[[nodiscard]] std::string token_hash(std::string_view token);
/// A new secret: "tsr_" and 43 characters of 256 random bits.
[[nodiscard]] std::string new_token();
/// Owners name folders of the object store: 1 to 64 of [A-Za-z0-9._-], not beginning with a dot. Throws
/// Error(usage).
void check_owner(const std::string& owner);
/// "submit", "read", "admin", "metrics". Throws Error(usage).
[[nodiscard]] Scope parse_scope(const std::string& name);
[[nodiscard]] std::vector<std::string> scope_names(int scopes);

}  // namespace tessera::service
