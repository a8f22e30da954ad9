// SPDX-License-Identifier: Apache-2.0
#include "adapters/s3/credentials_responses.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <pugixml.hpp>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/untrusted_json.hpp"
#include "ports/job.hpp"

namespace tessera::s3 {
namespace {

constexpr std::size_t max_quoted_bytes = 300;  // of a server's message

[[noreturn]] void refuse(const HttpResponse& response, const std::string& from, const std::string& message) {
  throw Error(is_permanent_failure(response.status) ? ErrorCode::forbidden : ErrorCode::unavailable,
              fmt::format("{} provides no credentials: status {}{}{}{}", from, response.status,
                          message.empty() ? "" : ": ", message.substr(0, max_quoted_bytes),
                          message.ends_with('.') ? "" : "."));
}

/// Credentials are sent in header lines.
bool is_plain(const std::string& text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; });
}

ExpiringCredentials checked(sigv4::Credentials credentials, const std::string& expiry,
                            const std::string& from) {
  if (credentials.access_key.empty() || credentials.secret_key.empty() || !is_plain(credentials.access_key) ||
      !is_plain(credentials.secret_key) || !is_plain(credentials.session_token)) {
    throw Error(ErrorCode::unavailable, fmt::format("{} returns something that is not credentials.", from));
  }
  try {
    return {std::move(credentials), expiry.empty() ? std::nullopt : std::optional(parse_expiry(expiry))};
  } catch (const Error& error) {
    throw Error(ErrorCode::unavailable,
                fmt::format("{} returns credentials with an invalid expiry: {}", from, error.what()));
  }
}

}  // namespace

TimePoint parse_expiry(const std::string& text) {
  constexpr std::size_t up_to_seconds = 19;
  std::string_view zone = std::string_view(text).substr(std::min(up_to_seconds, text.size()));
  if (zone.starts_with('.')) {
    zone.remove_prefix(std::min(zone.find_first_not_of("0123456789", 1), zone.size()));
  }
  if (zone != "Z" && zone != "+00:00") {
    throw Error(ErrorCode::usage,
                fmt::format("'{}' is not like 2026-11-24T04:05:06Z.", text.substr(0, max_quoted_bytes)));
  }
  return time_from_iso8601(text.substr(0, up_to_seconds) + ".000Z");
}

ExpiringCredentials parse_role_credentials(const HttpResponse& response, const std::string& from) {
  const Json json = Json::parse(response.body, nullptr, false);
  if (response.status != 200) {
    refuse(response, from, text_or_empty(json, "message"));
  }
  // If the role cannot be assumed, the error comes with status 200.
  if (const std::string code = text_or_empty(json, "Code"); !code.empty() && code != "Success") {
    throw Error(ErrorCode::forbidden,
                fmt::format("{} provides no credentials: {} {}", from, code.substr(0, max_quoted_bytes),
                            text_or_empty(json, "Message").substr(0, max_quoted_bytes)));
  }
  return checked({text_or_empty(json, "AccessKeyId"), text_or_empty(json, "SecretAccessKey"),
                  text_or_empty(json, "Token")},
                 text_or_empty(json, "Expiration"), from);
}

ExpiringCredentials parse_web_identity_credentials(const HttpResponse& response, const std::string& from) {
  pugi::xml_document document;
  document.load_buffer(response.body.data(), response.body.size());
  if (response.status != 200) {
    refuse(response, from, document.child("ErrorResponse").child("Error").child("Message").text().get());
  }
  const pugi::xml_node credentials = document.child("AssumeRoleWithWebIdentityResponse")
                                         .child("AssumeRoleWithWebIdentityResult")
                                         .child("Credentials");
  const auto text = [&](const char* name) { return std::string(credentials.child(name).text().get()); };
  return checked({text("AccessKeyId"), text("SecretAccessKey"), text("SessionToken")}, text("Expiration"),
                 from);
}

std::optional<sigv4::Credentials> parse_profile(std::string_view text, std::string_view profile) {
  bool here = false;
  bool found = false;
  std::map<std::string, std::string, std::less<>> values;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trim(text.substr(0, end), " \t\r");
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with('[')) {
      here = trim(line.substr(1, line.find(']') - 1)) == profile;
      found = found || here;
    } else if (const std::size_t equals = line.find('=');
               here && equals != std::string_view::npos && !line.starts_with('#') && !line.starts_with(';')) {
      values[std::string(trim(line.substr(0, equals)))] = trim(line.substr(equals + 1));
    }
  }
  if (!found) {
    return std::nullopt;
  }
  sigv4::Credentials credentials{values["aws_access_key_id"], values["aws_secret_access_key"],
                                 values["aws_session_token"]};
  for (const auto& [name, value] : {std::pair("aws_access_key_id", &credentials.access_key),
                                    std::pair("aws_secret_access_key", &credentials.secret_key),
                                    std::pair("aws_session_token", &credentials.session_token)}) {
    if ((value->empty() && value != &credentials.session_token) || !is_plain(*value)) {
      throw Error(ErrorCode::usage, fmt::format("The profile '{}' has no valid '{}'.", profile, name));
    }
  }
  return credentials;
}

}  // namespace tessera::s3
