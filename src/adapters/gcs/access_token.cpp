// SPDX-License-Identifier: Apache-2.0
#include "adapters/gcs/access_token.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/untrusted_json.hpp"

namespace tessera::gcs {
namespace {

// Metadata servers return the same token until five minutes before it expires, so the margin must be shorter.
constexpr std::chrono::seconds margin{225};
constexpr std::int64_t max_token_lifetime_s = std::int64_t{24} * 3600;

/// A token is sent in a header line: RFC 6750, section 2.1.
bool is_token(const std::string& text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

}  // namespace

AccessToken parse_token(const HttpResponse& response, const std::string& from, TimePoint now) {
  const Json json = Json::parse(response.body, nullptr, false);
  if (response.status != 200) {
    const std::string error = text_or_empty(json, "error");
    const std::string description = text_or_empty(json, "error_description");
    throw Error(is_permanent_failure(response.status) ? ErrorCode::forbidden : ErrorCode::unavailable,
                fmt::format("{} provides no access token: status {}{}{}{}{}{}", from, response.status,
                            error.empty() ? "" : ", ", error, description.empty() ? "" : ", ", description,
                            description.ends_with('.') ? "" : "."));
  }
  if (json.is_object()) {
    AccessToken token{text_or_empty(json, "access_token"), {}};
    const auto seconds = json.find("expires_in");
    if (is_token(token.value) && seconds != json.end() && seconds->is_number_integer()) {
      token.expires = now + std::chrono::seconds(std::clamp<std::int64_t>(seconds->get<std::int64_t>(), 0,
                                                                          max_token_lifetime_s));
      return token;
    }
  }
  throw Error(ErrorCode::unavailable, fmt::format("{} returns something that is not an access token.", from));
}

RefreshingCache<std::string> token_cache(RefreshingCache<std::string>::Fetch fetch, Clock now) {
  return {std::move(fetch), std::move(now), margin};
}

}  // namespace tessera::gcs
