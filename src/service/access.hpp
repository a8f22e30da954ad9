// Who asks, and what they may do: bearer tokens of which only hashes are kept.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <string>

#include "http/message.hpp"
#include "ports/job_store.hpp"

namespace tessera::service {

struct Caller {
  std::string owner;
  int scopes = 0;
  [[nodiscard]] bool may(Scope scope) const { return (scopes & static_cast<int>(scope)) != 0; }
  [[nodiscard]] bool is_admin() const { return may(Scope::admin); }
  /// Whether things of this owner are shown to the caller.
  [[nodiscard]] bool sees(const std::string& other) const { return is_admin() || other == owner; }
};

class Access {
 public:
  /// While there are no tokens at all, everyone is "local" and may do everything; that is allowed on loopback
  /// only. Throws Error(usage) if `address` is another and there are no tokens.
  Access(TokenStore& tokens, const std::string& address, Clock now = system_now);
  /// Throws Error(unauthorized, forbidden).
  [[nodiscard]] Caller check(const http::Request& request, Scope scope);

 private:
  [[nodiscard]] bool open_to_all();
  TokenStore& tokens_;
  const bool loopback_;
  const Clock now_;
  std::mutex mutex_;
  bool open_ = false;
  std::chrono::steady_clock::time_point open_known_until_{};
};

/// An admit function that asks for the scope and puts the Caller into the request.
[[nodiscard]] std::function<void(http::Request&)> needs(Access& access, Scope scope);
/// Whom needs() has let in.
[[nodiscard]] const Caller& caller_of(const http::Request& request);

/// As which a token is kept.
[[nodiscard]] std::string token_hash(std::string_view token);
/// A new secret: "tsr_" and 43 characters of 256 random bits.
[[nodiscard]] std::string new_token();
/// Owners name folders of the object store: 1 to 64 of [A-Za-z0-9._-], not beginning with a dot. Throws
/// Error(usage).
void check_owner(const std::string& owner);
/// "submit", "read", "admin". Throws Error(usage).
[[nodiscard]] Scope parse_scope(const std::string& name);
[[nodiscard]] std::vector<std::string> scope_names(int scopes);

}  // namespace tessera::service
