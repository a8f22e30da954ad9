#include "net/sigv4.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "core/text.hpp"
#include "net/crypto.hpp"

namespace tessera::sigv4 {
namespace {

constexpr const char* algorithm = "AWS4-HMAC-SHA256";

/// Without spaces at the ends, and with one where there were several.
std::string trimmed(std::string_view value) {
  std::string result;
  for (const char c : value) {
    if (c != ' ' || (!result.empty() && result.back() != ' ')) {
      result += c;
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
  return fmt::format("{}/{}/{}/aws4_request", amz_date(time).substr(0, 8), scope.region, scope.service);
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
  return fmt::format("{}\n{}\n{}\n{}", algorithm, amz_date(time), credential_scope(scope, time),
                     to_hex(sha256(canonical_request)));
}

std::string signature(const Request& request, const Credentials& credentials, const Scope& scope,
                      TimePoint time) {
  std::string key = hmac_sha256("AWS4" + credentials.secret_key, amz_date(time).substr(0, 8));
  key = hmac_sha256(key, scope.region);
  key = hmac_sha256(key, scope.service);
  key = hmac_sha256(key, "aws4_request");
  return to_hex(hmac_sha256(key, string_to_sign(canonical_request(request), scope, time)));
}

void sign_headers(Request& request, const Credentials& credentials, const Scope& scope, TimePoint time) {
  request.headers.emplace_back("x-amz-date", amz_date(time));
  request.headers.emplace_back("x-amz-content-sha256", request.payload_hash);
  if (!credentials.session_token.empty()) {
    request.headers.emplace_back("x-amz-security-token", credentials.session_token);
  }
  const std::string value =
      fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", algorithm, credentials.access_key,
                  credential_scope(scope, time), signed_headers(request.headers),
                  signature(request, credentials, scope, time));
  request.headers.emplace_back("Authorization", value);
}

std::string presign_query(Request request, const Credentials& credentials, const Scope& scope, TimePoint time,
                          std::chrono::seconds lifetime) {
  request.query.emplace_back("X-Amz-Algorithm", algorithm);
  request.query.emplace_back("X-Amz-Credential",
                             credentials.access_key + "/" + credential_scope(scope, time));
  request.query.emplace_back("X-Amz-Date", amz_date(time));
  request.query.emplace_back("X-Amz-Expires", std::to_string(lifetime.count()));
  if (!credentials.session_token.empty()) {
    request.query.emplace_back("X-Amz-Security-Token", credentials.session_token);
  }
  request.query.emplace_back("X-Amz-SignedHeaders", signed_headers(request.headers));
  const std::string name = signature(request, credentials, scope, time);
  return canonical_query(request.query) + "&X-Amz-Signature=" + name;
}

}  // namespace tessera::sigv4
