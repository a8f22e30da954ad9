// SPDX-License-Identifier: Apache-2.0
// URLs that list several hosts: "amqp://user:password@a:5672,b:5672/vhost".
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tessera {

/// The same URL once for each host of its comma-separated list, in its order: everything else (scheme, user,
/// path, query) is repeated. A URL with one host, or without "://", is returned as it is. Nothing is
/// validated: an empty entry gives a URL without a host.
[[nodiscard]] std::vector<std::string> urls_of_hosts(std::string_view url);

}  // namespace tessera
