// Who asks, and what they may do: bearer tokens of which only hashes are kept.
//
// Nothing is open because data are missing: without a token in the store every request is refused. A service
// is open only where its operator has said so (--open, on loopback).
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "http/message.hpp"
#include "ports/job_store.hpp"

namespace tessera::service {

struct Caller {
  std::string owner;
  int scopes = 0;
  std::string token_hash = {};                  ///< empty: the service is open
  std::optional<TimePoint> token_expires = {};  ///< as far as it was known when the caller was let in
  [[nodiscard]] bool may(Scope scope) const { return (scopes & static_cast<int>(scope)) != 0; }
  [[nodiscard]] bool is_admin() const { return may(Scope::admin); }
  /// Whether things of this owner are shown to the caller.
  [[nodiscard]] bool sees(const std::string& other) const { return is_admin() || other == owner; }
};

enum class Door : std::uint8_t {
  closed,  ///< a token is needed, also while there is none
  open,    ///< who sends no token is "local" and may do everything
};

struct StreamToken {
  std::string token;
  TimePoint expires{};
};

/// Safe to use from many threads.
class Access {
 public:
  explicit Access(TokenStore& tokens, Door door = Door::closed, Clock now = system_now);
  /// By the header Authorization. Throws Error(unauthorized, forbidden).
  [[nodiscard]] Caller check(const http::Request& request, Scope scope);

  // Browsers cannot send headers with EventSource and WebSocket, and what stands in a URL is easily seen by
  // others. So they exchange their token for one that is good for a few minutes, and for events alone. It
  // holds its end and the id of the token it was made from, authenticated with that token's hash: any
  // notifier on the same state store can check it, and it ends with that token.

  /// Throws Error(conflict) if the caller needs no token.
  [[nodiscard]] StreamToken new_stream_token(const Caller& caller) const;
  /// As check() with Scope::read; also takes a stream token in the query's field "token".
  [[nodiscard]] Caller check_stream(const http::Request& request);
  /// Whether the token that let the caller in still does. Throws Error(unavailable).
  [[nodiscard]] bool still_admits(const Caller& caller);

  static constexpr const char* stream_token_field = "token";
  static constexpr std::chrono::minutes stream_token_lifetime{5};

 private:
  [[nodiscard]] std::optional<Token> valid_token(const std::string& hash) const;
  [[nodiscard]] std::optional<Token> token_with_id(const std::string& id);
  [[nodiscard]] Caller check_stream_token(const std::string& text);
  [[noreturn]] void refuse(const std::string& sentence);
  TokenStore& tokens_;
  const Door door_;
  const Clock now_;
  std::mutex mutex_;
  std::map<std::string, std::string> hash_of_id_;  ///< of tokens that stream tokens were made from
  bool has_tokens_ = false;
  std::chrono::steady_clock::time_point has_tokens_known_until_{};
};

/// An admit function that asks for the scope and puts the Caller into the request.
[[nodiscard]] std::function<void(http::Request&)> needs(Access& access, Scope scope);
/// The same for streams of events.
[[nodiscard]] std::function<void(http::Request&)> needs_stream(Access& access);
/// Whom needs() has let in.
[[nodiscard]] const Caller& caller_of(const http::Request& request);

/// As which a token is kept.
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
