// SPDX-License-Identifier: Apache-2.0
#include "adapters/gcs/service_account.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "net/crypto.hpp"
#include "ports/bytes_io.hpp"

namespace tessera::gcs {
namespace {

using Json = nlohmann::json;

constexpr const char* scope = "https://www.googleapis.com/auth/devstorage.read_write";
constexpr std::chrono::seconds assertion_lifetime{3600};  // Google's maximum

/// A required member, as text without control characters (it is used in headers and URLs).
std::string text_of(const Json& json, const char* name) {
  const auto found = json.find(name);
  if (found == json.end() || !found->is_string() || found->get_ref<const std::string&>().empty()) {
    throw Error(ErrorCode::usage, fmt::format("It has no text '{}'.", name));
  }
  return found->get<std::string>();
}

std::string plain_text_of(const Json& json, const char* name) {
  std::string text = text_of(json, name);
  for (const char c : text) {
    if (c <= 0x20 || c >= 0x7f) {
      throw Error(ErrorCode::usage,
                  fmt::format("Its '{}' has a character that is not allowed in an address or a URL.", name));
    }
  }
  return text;
}

}  // namespace

ServiceAccount parse_service_account(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) {
    throw Error(ErrorCode::usage, "It is not a JSON object.");
  }
  if (const std::string type = plain_text_of(json, "type"); type != "service_account") {
    throw Error(
        ErrorCode::usage,
        fmt::format("It is of type '{}'; only service account keys ('service_account') are supported.",
                    type.substr(0, 60)));
  }
  ServiceAccount account{plain_text_of(json, "client_email"), plain_text_of(json, "private_key_id"),
                         RsaKey::from_pem(text_of(json, "private_key")), plain_text_of(json, "token_uri"),
                         "googleapis.com"};
  if (!account.token_url.starts_with("https://") && !account.token_url.starts_with("http://")) {
    throw Error(ErrorCode::usage, "Its 'token_uri' does not begin with https:// or http://.");
  }
  if (json.contains("universe_domain")) {
    account.universe_domain = plain_text_of(json, "universe_domain");
  }
  return account;
}

ServiceAccount read_service_account(const std::filesystem::path& file) {
  const std::string text = read_small_file(file);
  try {
    return parse_service_account(text);
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("'{}' is not a key file of a Google service account: {}",
                                          file.string(), error.what()));
  }
}

std::string assertion(const ServiceAccount& account, TimePoint now) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch();
  const Json header{{"alg", "RS256"}, {"typ", "JWT"}, {"kid", account.key_id}};
  const Json claims{{"iss", account.email},
                    {"scope", scope},
                    {"aud", account.token_url},
                    {"iat", seconds.count()},
                    {"exp", (seconds + assertion_lifetime).count()}};
  const std::string text = to_base64_url(header.dump()) + "." + to_base64_url(claims.dump());
  return text + "." + to_base64_url(account.key.sign_sha256(text));
}

}  // namespace tessera::gcs
