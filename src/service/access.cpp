#include "service/access.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/error.hpp"
#include "core/system.hpp"
#include "core/text.hpp"
#include "http/server.hpp"
#include "net/crypto.hpp"

namespace tessera::service {
namespace {

constexpr std::array<std::pair<std::string_view, Scope>, 3> scope_table{
    {{"submit", Scope::submit}, {"read", Scope::read}, {"admin", Scope::admin}}};

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
                fmt::format("'{}' cannot be an owner; use 1 to 64 letters, digits, '.', '_' or "
                            "'-', not beginning with a dot.",
                            owner.substr(0, 100)));
  }
}

Scope parse_scope(const std::string& name) {
  const auto found = std::ranges::find(scope_table, name, [](const auto& entry) { return entry.first; });
  if (found == scope_table.end()) {
    throw Error(ErrorCode::usage, fmt::format("'{}' is no scope; use submit, read or admin.", name));
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

Access::Access(TokenStore& tokens, const std::string& address, Clock now)
    : tokens_(tokens), loopback_(http::is_loopback(address)), now_(std::move(now)) {
  if (!loopback_ && tokens_.list().empty()) {
    throw Error(
        ErrorCode::usage,
        fmt::format("There are no tokens, so anyone who reaches {} could use this service. Make a token "
                    "first, or listen on 127.0.0.1.",
                    address));
  }
}

bool Access::open_to_all() {
  if (!loopback_) {
    return false;
  }
  const std::scoped_lock lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  // An open door is looked at every time, so that the first token shuts it at once.
  if (open_ || now >= open_known_until_) {
    open_ = tokens_.list().empty();
    open_known_until_ = now + std::chrono::seconds(1);
  }
  return open_;
}

Caller Access::check(const http::Request& request, Scope scope) {
  const std::string header = request.header("Authorization");
  constexpr std::string_view kind = "Bearer ";
  if (header.empty() && open_to_all()) {
    return {"local",
            static_cast<int>(Scope::submit) | static_cast<int>(Scope::read) | static_cast<int>(Scope::admin)};
  }
  if (header.size() <= kind.size() ||
      !http::equal_ignoring_case(std::string_view(header).substr(0, kind.size()), kind)) {
    throw Error(ErrorCode::unauthorized,
                "This needs a token: send the header 'Authorization: Bearer TOKEN'.");
  }
  const auto token = tokens_.find(token_hash(trim(std::string_view(header).substr(kind.size()))));
  if (!token || (token->expires && *token->expires <= now_())) {
    throw Error(ErrorCode::unauthorized, token ? "The token has expired; ask for a new one."
                                               : "The token is not known here; it may have been withdrawn.");
  }
  Caller caller{token->owner, token->scopes};
  if (!caller.may(scope) && !caller.is_admin()) {
    throw Error(ErrorCode::forbidden, fmt::format("The token allows '{}', but this needs '{}'.",
                                                  fmt::join(scope_names(token->scopes), ", "),
                                                  scope_names(static_cast<int>(scope)).front()));
  }
  return caller;
}

std::function<void(http::Request&)> needs(Access& access, Scope scope) {
  return [&access, scope](http::Request& request) {
    const Caller caller = access.check(request, scope);
    request.note = caller.owner;
    request.caller = caller;
  };
}

const Caller& caller_of(const http::Request& request) { return std::any_cast<const Caller&>(request.caller); }

}  // namespace tessera::service
