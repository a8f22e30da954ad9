// SPDX-License-Identifier: Apache-2.0
// tessera token: manages access tokens.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>

#include "adapters/open.hpp"
#include "base/error.hpp"
#include "command.hpp"
#include "service/access.hpp"
#include "settings.hpp"

namespace tessera::service {
namespace {

struct TokenOptions {
  Settings settings;
  std::string owner;
  std::vector<std::string> scopes{"submit", "read"};
  double days = 0;
  std::string hash;
};

int add(TokenStore& tokens, const TokenOptions& options) {
  check_owner(options.owner);
  const std::string secret = new_token();
  Token token{token_hash(secret), options.owner, 0, system_now(), {}};
  for (const std::string& scope : options.scopes) {
    token.scopes |= static_cast<int>(parse_scope(scope));
  }
  if (options.days > 0) {
    token.expires =
        token.created + std::chrono::milliseconds(static_cast<std::int64_t>(options.days * 86'400'000));
  }
  tokens.put(token);
  fmt::print("{}\n", secret);
  fmt::print(stderr,
             "This is shown once; only its hash is kept. Send it as 'Authorization: Bearer ...', or set "
             "TESSERA_TOKEN.\n");
  return 0;
}

int list(TokenStore& tokens) {
  for (const Token& token : tokens.list()) {
    fmt::print("{}  {:<20} {:<20} created {}{}\n", token.hash.substr(0, 12), token.owner,
               fmt::format("{}", fmt::join(scope_names(token.scopes), ",")), to_iso8601(token.created),
               token.expires ? ", expires " + to_iso8601(*token.expires) : "");
  }
  return 0;
}

int remove(TokenStore& tokens, const TokenOptions& options) {
  std::vector<std::string> found;
  for (const Token& token : tokens.list()) {
    if (token.hash.starts_with(options.hash)) {
      found.push_back(token.hash);
    }
  }
  if (found.size() != 1) {
    throw Error(ErrorCode::not_found,
                fmt::format("{} tokens have a hash that begins with '{}'; it must match exactly one.",
                            found.size(), options.hash));
  }
  tokens.remove(found.front());
  return 0;
}

}  // namespace

Command add_token(CLI::App& program) {
  CLI::App* app = program.add_subcommand("token", "Manage access tokens (works on the state store)");
  app->require_subcommand(1);
  auto options = std::make_shared<TokenOptions>();
  add_state_setting(*app, options->settings);
  CLI::App* const adding = app->add_subcommand("add", "Create a token and print it");
  adding->add_option("OWNER", options->owner, "Owner of the jobs submitted with it")->required();
  adding->add_option("--scope", options->scopes, "submit, read, admin, metrics")
      ->check(CLI::IsMember({"submit", "read", "admin", "metrics"}))
      ->delimiter(',')
      ->capture_default_str();
  adding->add_option("--days", options->days, "Days until it expires; 0: never")
      ->check(CLI::NonNegativeNumber);
  CLI::App* const listing = app->add_subcommand("list", "List tokens by the beginning of their hashes");
  CLI::App* const removing = app->add_subcommand("remove", "Revoke a token");
  removing->add_option("HASH", options->hash, "Beginning of its hash")->required();
  return {app, [options, adding, listing] {
            keep_files_private();
            read_state_url(options->settings);
            const StateStore state = open_state_store(options->settings.state, {});
            return adding->parsed()    ? add(*state.tokens, *options)
                   : listing->parsed() ? list(*state.tokens)
                                       : remove(*state.tokens, *options);
          }};
}

}  // namespace tessera::service
