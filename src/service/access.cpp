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

/// A text of the form that Access::is_signature() checks.
struct SubjectSignature {
  explicit SubjectSignature(std::string_view text)
      : expires(text.substr(0, text.find('.'))),
        token(text.substr(expires.size() + 1, token_id_digits)),
        proof(text.substr(expires.size() + 1 + token_id_digits + 1)) {}
  [[nodiscard]] bool was_made_with(const Token& of, std::string_view subject) const {
    return equal_in_constant_time(subject_signature(of.hash, expires, subject), proof);
  }
  /// Requires was_made_with(): the text is then a number that Access has written.
  [[nodiscard]] bool has_expired(TimePoint now) const {
    return std::stoll(std::string(expires)) <= seconds_of(now);
  }
  std::string_view expires;
  std::string_view token;  ///< its id
  std::string_view proof;
};

Caller caller_with(const Token& token) { return {token.owner, token.scopes, token.hash, token.expires}; }

bool is_allowed(const Caller& caller, Scope scope) { return caller.may(scope) || caller.is_admin(); }

void check_scope(const Caller& caller, Scope scope) {
  if (!is_allowed(caller, scope)) {
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

Access::Access(TokenStore& tokens, Authentication authentication, Clock now, RecentOptions recency)
    : tokens_(tokens),
      authentication_(authentication),
      now_(std::move(now)),
      recent_tokens_(std::move(recency)) {}

void Access::refuse(const std::string& sentence) {
  throw Error(ErrorCode::unauthorized,
              has_tokens() ? sentence
                           : sentence +
                                 " The service has no tokens, so it refuses every request: create one "
                                 "with 'tessera token --state URL add OWNER'.");
}

bool Access::has_tokens() {
  const auto now = std::chrono::steady_clock::now();
  {
    const std::scoped_lock lock(mutex_);
    if (now < has_tokens_known_until_) {
      return has_tokens_;
    }
  }
  const bool has_tokens = !tokens_.list().empty();  // without the lock: the store may take long
  const std::scoped_lock lock(mutex_);
  has_tokens_known_until_ = now + has_tokens_lifetime;
  return has_tokens_ = has_tokens;
}

Access::FoundToken Access::find_token(const std::string& hash) {
  return recent_tokens_.find(hash, [&] {
    auto token = tokens_.find(hash);
    return token ? std::make_shared<const Token>(std::move(*token)) : nullptr;
  });
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
  const auto token = find_token(token_hash(trim(std::string_view(header).substr(kind.size()))));
  if (!token || has_expired(*token)) {
    refuse(token ? "The token has expired; request a new one."
                 : "The token is unknown; it may have been revoked.");
  }
  Caller caller = caller_with(*token);
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

std::string Access::known_hash(const std::string& id) {
  const std::scoped_lock lock(mutex_);
  const auto known = hash_of_id_.find(id);
  return known == hash_of_id_.end() ? std::string() : known->second;
}

Access::FoundToken Access::token_with_id(const std::string& id) {
  std::string hash = known_hash(id);
  if (hash.empty()) {
    std::map<std::string, std::string> ids;
    for (const Token& token : tokens_.list()) {
      ids.emplace(token_id(token.hash), token.hash);
    }
    const std::scoped_lock lock(mutex_);
    hash_of_id_ = std::move(ids);
    const auto found = hash_of_id_.find(id);
    hash = found == hash_of_id_.end() ? std::string() : found->second;
  }
  const FoundToken token = hash.empty() ? nullptr : find_token(hash);
  return token && !has_expired(*token) ? token : nullptr;
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
  Caller caller = caller_with(*token);
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

Caller Access::check_subject(std::string_view subject, std::string_view text) {
  FoundToken token;
  if (is_signature(text)) {
    token = token_with_id(std::string(SubjectSignature(text).token));
  }
  if (!token || !SubjectSignature(text).was_made_with(*token, subject)) {
    throw Error(
        ErrorCode::forbidden,
        "The signature in this address is invalid; the token that it was made with may have been revoked.");
  }
  if (SubjectSignature(text).has_expired(now_())) {
    throw Error(ErrorCode::forbidden, "This address has expired: get another one with POST /v1/views.");
  }
  Caller caller = caller_with(*token);
  check_scope(caller, Scope::read);
  return caller;
}

std::optional<Caller> Access::known_signer(std::string_view subject, std::string_view text) {
  if (!is_signature(text)) {
    return std::nullopt;
  }
  const SubjectSignature signature(text);
  const std::string hash = known_hash(std::string(signature.token));
  const FoundToken token = hash.empty() ? nullptr : recent_tokens_.known(hash);
  if (!token || has_expired(*token) || !signature.was_made_with(*token, subject) ||
      signature.has_expired(now_())) {
    return std::nullopt;
  }
  Caller caller = caller_with(*token);
  return is_allowed(caller, Scope::read) ? std::optional(std::move(caller)) : std::nullopt;
}

bool Access::is_still_valid(const Caller& caller) {
  if (caller.token_hash.empty()) {
    return authentication_ == Authentication::disabled;
  }
  const FoundToken token = find_token(caller.token_hash);
  return token && !has_expired(*token);
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
