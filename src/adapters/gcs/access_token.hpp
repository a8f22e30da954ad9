// OAuth 2.0 access tokens: fetched when needed, kept until shortly before they expire.
#pragma once

#include <string>

#include "adapters/bucket/perishable.hpp"
#include "base/clock.hpp"
#include "net/http_client.hpp"

namespace tessera::gcs {

using AccessToken = Perishable<std::string>;

/// Of the answer of a token server (RFC 6749, section 5), which `from` names for people. Throws
/// Error(forbidden) for what it refuses, Error(unavailable) for what cannot be understood.
[[nodiscard]] AccessToken parse_token(const HttpResponse& response, const std::string& from, TimePoint now);

/// Of `fetch`, good for some minutes when they are given out.
[[nodiscard]] Renewed<std::string> renewed_tokens(Renewed<std::string>::Fetch fetch, Clock now);

}  // namespace tessera::gcs
