#include "adapters/s3/key_answers.hpp"

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

constexpr std::size_t most_told = 300;  // of what others say

[[noreturn]] void refuse(const HttpResponse& response, const std::string& from, const std::string& said) {
  throw Error(
      refuses(response.status) ? ErrorCode::forbidden : ErrorCode::unavailable,
      fmt::format("{} gives no keys: status {}{}{}{}", from, response.status, said.empty() ? "" : ": ",
                  said.substr(0, most_told), said.ends_with('.') ? "" : "."));
}

/// Keys go into header lines.
bool is_plain(const std::string& text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; });
}

Keys checked(sigv4::Credentials keys, const std::string& expiry, const std::string& from) {
  if (keys.access_key.empty() || keys.secret_key.empty() || !is_plain(keys.access_key) ||
      !is_plain(keys.secret_key) || !is_plain(keys.session_token)) {
    throw Error(ErrorCode::unavailable, fmt::format("{} answers with something that is no keys.", from));
  }
  try {
    return {std::move(keys), expiry.empty() ? std::nullopt : std::optional(parse_expiry(expiry))};
  } catch (const Error& error) {
    throw Error(ErrorCode::unavailable,
                fmt::format("{} gives keys until a time that is none: {}", from, error.what()));
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
                fmt::format("'{}' is not like 2026-11-24T04:05:06Z.", text.substr(0, most_told)));
  }
  return time_from_iso8601(text.substr(0, up_to_seconds) + ".000Z");
}

Keys parse_role_keys(const HttpResponse& response, const std::string& from) {
  const Json json = Json::parse(response.body, nullptr, false);
  if (response.status != 200) {
    refuse(response, from, text_or_empty(json, "message"));
  }
  // An instance whose role cannot be taken says so with status 200.
  if (const std::string code = text_or_empty(json, "Code"); !code.empty() && code != "Success") {
    throw Error(ErrorCode::forbidden, fmt::format("{} gives no keys: {} {}", from, code.substr(0, most_told),
                                                  text_or_empty(json, "Message").substr(0, most_told)));
  }
  return checked({text_or_empty(json, "AccessKeyId"), text_or_empty(json, "SecretAccessKey"),
                  text_or_empty(json, "Token")},
                 text_or_empty(json, "Expiration"), from);
}

Keys parse_web_identity_keys(const HttpResponse& response, const std::string& from) {
  pugi::xml_document document;
  document.load_buffer(response.body.data(), response.body.size());
  if (response.status != 200) {
    refuse(response, from, document.child("ErrorResponse").child("Error").child("Message").text().get());
  }
  const pugi::xml_node keys = document.child("AssumeRoleWithWebIdentityResponse")
                                  .child("AssumeRoleWithWebIdentityResult")
                                  .child("Credentials");
  const auto text = [&](const char* name) { return std::string(keys.child(name).text().get()); };
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
  sigv4::Credentials keys{values["aws_access_key_id"], values["aws_secret_access_key"],
                          values["aws_session_token"]};
  for (const auto& [name, value] : {std::pair("aws_access_key_id", &keys.access_key),
                                    std::pair("aws_secret_access_key", &keys.secret_key),
                                    std::pair("aws_session_token", &keys.session_token)}) {
    if ((value->empty() && value != &keys.session_token) || !is_plain(*value)) {
      throw Error(ErrorCode::usage,
                  fmt::format("The profile '{}' has no '{}' that could be one.", profile, name));
    }
  }
  return keys;
}

}  // namespace tessera::s3
