// URLs as messages and logs may show them: without what only their owners should know.
#pragma once

#include <string>
#include <string_view>

namespace tessera {

/// The URL with "***" for the password, or for a user name that stands alone (it may be a token), and without
/// query and fragment, which hold signatures: "redis://ann:***@host:6379/0". Also of text that is no URL:
/// what stands before an '@' is masked.
[[nodiscard]] std::string redact_url(std::string_view url);

/// Scheme, host and port alone: for URLs whose path may be the secret, as those of webhooks.
[[nodiscard]] std::string origin_of_url(std::string_view url);

/// "host" or "host:port" of a URL, in lower case; empty if it has none.
[[nodiscard]] std::string authority_of_url(std::string_view url);

}  // namespace tessera
