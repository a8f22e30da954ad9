// SPDX-License-Identifier: Apache-2.0
#include "net/sigv4.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/text.hpp"
#include "net/crypto.hpp"

namespace tessera::sigv4 {
namespace {

/// Trimmed, with runs of blanks replaced by one space.
std::string trimmed(std::string_view value) {
  std::string result;
  for (const char c : value) {
    const bool blank = c == ' ' || c == '\t';
    if (!blank || (!result.empty() && result.back() != ' ')) {
      result += blank ? ' ' : c;
    }
  }
  if (result.ends_with(' ')) {
    result.pop_back();
  }
  return result;
}

/// By name in lower case; values of one name joined in their order.
std::map<std::string, std::string> canonical_headers(const Fields& headers) {
  std::map<std::string, std::string> canonical;
  for (const auto& [name, value] : headers) {
    std::string& joined = canonical[ascii_lowered(name)];
    joined += (joined.empty() ? "" : ",") + trimmed(value);
  }
  return canonical;
}

std::string credential_scope(const Scope& scope, TimePoint time) {
  return fmt::format("{}/{}/{}/{}", amz_date(time).substr(0, 8), scope.region, scope.service,
                     scope.dialect.terminator);
}

std::string header_name(const Scope& scope, std::string_view what) {
  return fmt::format("x-{}-{}", ascii_lowered(std::string(scope.dialect.vendor)), what);
}

std::string hmac_signature(const std::string& text, const Credentials& credentials, const Scope& scope,
                           TimePoint time) {
  std::string key = hmac_sha256(std::string(scope.dialect.key_prefix) + credentials.secret_key,
                                amz_date(time).substr(0, 8));
  key = hmac_sha256(key, scope.region);
  key = hmac_sha256(key, scope.service);
  key = hmac_sha256(key, scope.dialect.terminator);
  return to_hex(hmac_sha256(key, text));
}

}  // namespace

std::string amz_date(TimePoint time) {
  return fmt::format("{:%Y%m%dT%H%M%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

std::string signed_headers(const Fields& headers) {
  std::string names;
  for (const auto& [name, value] : canonical_headers(headers)) {
    names += (names.empty() ? "" : ";") + name;
  }
  return names;
}

std::string canonical_query(const Fields& query) {
  Fields encoded;
  for (const auto& [name, value] : query) {
    encoded.emplace_back(percent_encode(name), percent_encode(value));
  }
  std::ranges::sort(encoded);
  std::string text;
  for (const auto& [name, value] : encoded) {
    text += fmt::format("{}{}={}", text.empty() ? "" : "&", name, value);
  }
  return text;
}

std::string canonical_request(const Request& request) {
  std::string headers;
  for (const auto& [name, value] : canonical_headers(request.headers)) {
    headers += fmt::format("{}:{}\n", name, value);
  }
  return fmt::format("{}\n{}\n{}\n{}\n{}\n{}", request.method, request.path, canonical_query(request.query),
                     headers, signed_headers(request.headers), request.payload_hash);
}

std::string string_to_sign(const std::string& canonical_request, const Scope& scope, TimePoint time) {
  return fmt::format("{}\n{}\n{}\n{}", scope.dialect.algorithm, amz_date(time), credential_scope(scope, time),
                     to_hex(sha256(canonical_request)));
}

std::string signature(const Request& request, const Credentials& credentials, const Scope& scope,
                      TimePoint time) {
  return hmac_signature(string_to_sign(canonical_request(request), scope, time), credentials, scope, time);
}

void sign_headers(Request& request, const Credentials& credentials, const Scope& scope, TimePoint time) {
  request.headers.emplace_back(header_name(scope, "date"), amz_date(time));
  request.headers.emplace_back(header_name(scope, "content-sha256"), request.payload_hash);
  if (!credentials.session_token.empty()) {
    request.headers.emplace_back(header_name(scope, "security-token"), credentials.session_token);
  }
  const std::string value =
      fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", scope.dialect.algorithm,
                  credentials.access_key, credential_scope(scope, time), signed_headers(request.headers),
                  signature(request, credentials, scope, time));
  request.headers.emplace_back("Authorization", value);
}

std::string presign_query(Request request, const Credentials& credentials, const Scope& scope, TimePoint time,
                          std::chrono::seconds lifetime) {
  if (!credentials.session_token.empty()) {
    request.query.emplace_back(fmt::format("X-{}-Security-Token", scope.dialect.vendor),
                               credentials.session_token);
  }
  return presign_query(
      std::move(request), credentials.access_key,
      [&](const std::string& text) { return hmac_signature(text, credentials, scope, time); }, scope, time,
      lifetime);
}

std::string presign_query(Request request, const std::string& signer,
                          const std::function<std::string(const std::string&)>& sign, const Scope& scope,
                          TimePoint time, std::chrono::seconds lifetime) {
  const auto add = [&](std::string_view what, std::string value) {
    request.query.emplace_back(fmt::format("X-{}-{}", scope.dialect.vendor, what), std::move(value));
  };
  add("Algorithm", std::string(scope.dialect.algorithm));
  add("Credential", signer + "/" + credential_scope(scope, time));
  add("Date", amz_date(time));
  add("Expires", std::to_string(lifetime.count()));
  add("SignedHeaders", signed_headers(request.headers));
  const std::string signature = sign(string_to_sign(canonical_request(request), scope, time));
  return fmt::format("{}&X-{}-Signature={}", canonical_query(request.query), scope.dialect.vendor, signature);
}

}  // namespace tessera::sigv4
