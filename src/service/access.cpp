// SPDX-License-Identifier: Apache-2.0
#include "service/access.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "base/system.hpp"
#include "base/text.hpp"
#include "net/crypto.hpp"

namespace tessera::service {
namespace {

constexpr std::array<std::pair<std::string_view, Scope>, 4> scope_table{
    {{"submit", Scope::submit}, {"read", Scope::read}, {"admin", Scope::admin}, {"metrics", Scope::metrics}}};
constexpr std::string_view stream_prefix = "tss_";
constexpr std::chrono::seconds has_tokens_lifetime{1};

constexpr std::size_t token_id_digits = 32;
constexpr std::size_t signature_characters = 43;  // of 32 bytes

/// Identifies a token in stream tokens; derived from its hash, which must stay secret.
std::string token_id(const std::string& hash) {
  return to_hex(sha256("tessera token id " + hash)).substr(0, token_id_digits);
}

std::string stream_signature(const std::string& hash, const std::string& expires) {
  return to_base64_url(hmac_sha256(hash, "tessera stream token 1 " + expires));
}

std::string subject_signature(const std::string& hash, std::string_view expires, std::string_view subject) {
  return to_base64_url(hmac_sha256(hash, fmt::format("tessera view 1 {} {}", expires, subject)));
}

std::int64_t seconds_of(TimePoint time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

void check_scope(const Caller& caller, Scope scope) {
  if (!caller.may(scope) && !caller.is_admin()) {
    throw Error(ErrorCode::forbidden, fmt::format("The token allows '{}', but this needs '{}'.",
                                                  fmt::join(scope_names(caller.scopes), ", "),
                                                  scope_names(static_cast<int>(scope)).front()));
  }
}

}  // namespace

std::string token_hash(std::string_view token) { return to_hex(sha256(token)); }

std::string new_token() {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::array<unsigned char, 43> random{};
  fill_random(random);
  std::string token = "tsr_";
  for (const unsigned char byte : random) {
    token += digits[byte & 63U];
  }
  return token;
}

void check_owner(const std::string& owner) {
  const bool fine =
      !owner.empty() && owner.size() <= 64 && owner.front() != '.' && std::ranges::all_of(owner, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
               c == '_' || c == '-';
      });
  if (!fine) {
    throw Error(ErrorCode::usage,
                fmt::format("'{}' is not a valid owner; use 1 to 64 letters, digits, '.', '_' or "
                            "'-', not beginning with a dot.",
                            owner.substr(0, 100)));
  }
}

Scope parse_scope(const std::string& name) {
  const auto found = std::ranges::find(scope_table, name, [](const auto& entry) { return entry.first; });
  if (found == scope_table.end()) {
    throw Error(ErrorCode::usage,
                fmt::format("'{}' is not a scope; use submit, read, admin or metrics.", name));
  }
  return found->second;
}

std::vector<std::string> scope_names(int scopes) {
  std::vector<std::string> names;
  for (const auto& [name, scope] : scope_table) {
    if ((scopes & static_cast<int>(scope)) != 0) {
      names.emplace_back(name);
    }
  }
  return names;
}

Access::Access(TokenStore& tokens, Authentication authentication, Clock now)
    : tokens_(tokens), authentication_(authentication), now_(std::move(now)) {}

void Access::refuse(const std::string& sentence) {
  const std::scoped_lock lock(mutex_);
  if (const auto now = std::chrono::steady_clock::now(); now >= has_tokens_known_until_) {
    has_tokens_ = !tokens_.list().empty();
    has_tokens_known_until_ = now + has_tokens_lifetime;
  }
  throw Error(ErrorCode::unauthorized,
              has_tokens_ ? sentence
                          : sentence +
                                " The service has no tokens, so it refuses every request: create one "
                                "with 'tessera token --state URL add OWNER'.");
}

std::optional<Token> Access::valid_token(const std::string& hash) const {
  auto token = tokens_.find(hash);
  return token && (!token->expires || *token->expires > now_()) ? std::move(token) : std::nullopt;
}

Caller Access::check(const http::Request& request, Scope scope) {
  const std::string header = request.header("Authorization");
  constexpr std::string_view kind = "Bearer ";
  if (header.empty() && authentication_ == Authentication::disabled) {
    return {"local",
            static_cast<int>(Scope::submit) | static_cast<int>(Scope::read) | static_cast<int>(Scope::admin)};
  }
  if (header.size() <= kind.size() ||
      !http::equal_ignoring_case(std::string_view(header).substr(0, kind.size()), kind)) {
    refuse("Authentication is required: send the header 'Authorization: Bearer TOKEN'.");
  }
  const auto token = tokens_.find(token_hash(trim(std::string_view(header).substr(kind.size()))));
  if (!token || (token->expires && *token->expires <= now_())) {
    refuse(token ? "The token has expired; request a new one."
                 : "The token is unknown; it may have been revoked.");
  }
  Caller caller{token->owner, token->scopes, token->hash, token->expires};
  check_scope(caller, scope);
  return caller;
}

StreamToken Access::new_stream_token(const Caller& caller) const {
  if (caller.token_hash.empty()) {
    throw Error(ErrorCode::conflict, "This service requires no authentication, so its events need no token.");
  }
  const TimePoint expires = now_() + stream_token_lifetime;
  const std::string seconds = std::to_string(seconds_of(expires));
  return {fmt::format("{}{}.{}.{}", stream_prefix, seconds, token_id(caller.token_hash),
                      stream_signature(caller.token_hash, seconds)),
          expires};
}

Caller Access::check_stream(const http::Request& request) {
  const auto token = request.query_value(stream_token_field);
  return token && request.header("Authorization").empty() ? check_stream_token(*token)
                                                          : check(request, Scope::read);
}

std::optional<Token> Access::token_with_id(const std::string& id) {
  std::string known_hash;
  {
    const std::scoped_lock lock(mutex_);
    if (const auto known = hash_of_id_.find(id); known != hash_of_id_.end()) {
      known_hash = known->second;
    }
  }
  if (!known_hash.empty()) {
    return valid_token(known_hash);  // asks the store, which others need not wait for
  }
  std::map<std::string, std::string> ids;
  for (const Token& token : tokens_.list()) {
    ids.emplace(token_id(token.hash), token.hash);
  }
  const auto found = ids.find(id);
  const std::string hash = found == ids.end() ? std::string() : found->second;
  {
    const std::scoped_lock lock(mutex_);
    hash_of_id_ = std::move(ids);
  }
  return hash.empty() ? std::nullopt : valid_token(hash);
}

Caller Access::check_stream_token(const std::string& text) {
  const std::size_t first = text.find('.');
  const std::size_t second = text.find('.', first == std::string::npos ? first : first + 1);
  if (!text.starts_with(stream_prefix) || second == std::string::npos) {
    refuse("The query parameter 'token' is not a stream token: get one with POST /v1/stream-tokens.");
  }
  const std::string expires = text.substr(stream_prefix.size(), first - stream_prefix.size());
  const auto token = token_with_id(text.substr(first + 1, second - first - 1));
  if (!token || !equal_in_constant_time(stream_signature(token->hash, expires), text.substr(second + 1))) {
    refuse("The stream token is invalid; the token that it was derived from may have been revoked.");
  }
  // The text is authenticated, so it is a number that was written by this class.
  if (std::stoll(expires) <= seconds_of(now_())) {
    refuse("The stream token has expired: get another one with POST /v1/stream-tokens.");
  }
  Caller caller{token->owner, token->scopes, token->hash, token->expires};
  check_scope(caller, Scope::read);
  return caller;
}

std::string Access::sign_subject(const Caller& caller, std::string_view subject, TimePoint expires) const {
  if (caller.token_hash.empty()) {
    return {};
  }
  const std::string seconds = std::to_string(seconds_of(expires));
  return fmt::format("{}.{}.{}", seconds, token_id(caller.token_hash),
                     subject_signature(caller.token_hash, seconds, subject));
}

bool Access::is_signature(std::string_view text) {
  const std::size_t first = text.find('.');
  return first != 0 && first != std::string_view::npos && first <= 12 &&
         text.size() == first + 1 + token_id_digits + 1 + signature_characters &&
         text[first + 1 + token_id_digits] == '.' &&
         text.substr(0, first).find_first_not_of("0123456789") == std::string_view::npos;
}

Caller Access::check_subject(std::string_view subject, std::string_view signature) {
  const std::size_t first = signature.find('.');
  const bool well_formed = is_signature(signature);
  const std::string expires(well_formed ? signature.substr(0, first) : "0");
  const auto token =
      well_formed ? token_with_id(std::string(signature.substr(first + 1, token_id_digits))) : std::nullopt;
  if (!token || !equal_in_constant_time(subject_signature(token->hash, expires, subject),
                                        signature.substr(first + 1 + token_id_digits + 1))) {
    throw Error(
        ErrorCode::forbidden,
        "The signature in this address is invalid; the token that it was made with may have been revoked.");
  }
  if (std::stoll(expires) <= seconds_of(now_())) {
    throw Error(ErrorCode::forbidden, "This address has expired: get another one with POST /v1/views.");
  }
  Caller caller{token->owner, token->scopes, token->hash, token->expires};
  check_scope(caller, Scope::read);
  return caller;
}

bool Access::is_still_valid(const Caller& caller) {
  if (caller.token_hash.empty()) {
    return authentication_ == Authentication::disabled;
  }
  return valid_token(caller.token_hash).has_value();
}

std::function<void(http::Request&)> require_scope(Access& access, Scope scope) {
  return [&access, scope](http::Request& request) {
    const Caller caller = access.check(request, scope);
    request.note = caller.owner;
    request.caller = caller;
  };
}

std::function<void(http::Request&)> require_stream_scope(Access& access) {
  return [&access](http::Request& request) {
    const Caller caller = access.check_stream(request);
    request.note = caller.owner;
    request.caller = caller;
  };
}

const Caller& caller_of(const http::Request& request) { return std::any_cast<const Caller&>(request.caller); }

}  // namespace tessera::service
