// SPDX-License-Identifier: Apache-2.0
// URLs for messages and logs, without secrets.
#pragma once

#include <string>
#include <string_view>

namespace tessera {

/// The URL with "***" for the password, or for a user name that stands alone (it may be a token), and without
/// query and fragment, which may hold signatures: "redis://ann:***@host:6379/0". Also works on other text:
/// everything before an '@' is masked.
[[nodiscard]] std::string redact_url(std::string_view url);

/// Only scheme, host and port: for URLs whose path may be secret, such as webhook URLs.
[[nodiscard]] std::string origin_of_url(std::string_view url);

/// "host" or "host:port" of a URL, in lower case; empty if it has none.
[[nodiscard]] std::string authority_of_url(std::string_view url);

}  // namespace tessera
