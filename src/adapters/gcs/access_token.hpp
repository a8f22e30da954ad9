// SPDX-License-Identifier: Apache-2.0
// OAuth 2.0 access tokens, cached until shortly before they expire.
#pragma once

#include <string>

#include "adapters/bucket/refreshing_cache.hpp"
#include "base/clock.hpp"
#include "net/http_client.hpp"

namespace tessera::gcs {

using AccessToken = ExpiringValue<std::string>;

/// Parses the response of a token server (RFC 6749, section 5); `from` names it in error messages. Throws
/// Error(forbidden) if it refuses, Error(unavailable) for an invalid response.
[[nodiscard]] AccessToken parse_token(const HttpResponse& response, const std::string& from, TimePoint now);

/// Tokens of `fetch`; those returned are valid for some minutes.
[[nodiscard]] RefreshingCache<std::string> token_cache(RefreshingCache<std::string>::Fetch fetch, Clock now);

}  // namespace tessera::gcs
