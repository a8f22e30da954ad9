// SPDX-License-Identifier: Apache-2.0
// Cross-origin protection. Browsers send requests on behalf of any page; these checks keep pages of other
// origins from using a service that the user can reach.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "http/message.hpp"

namespace tessera::service {

struct OriginOptions {
  bool open = false;       ///< authentication is disabled: the Host must then be one of this machine
  std::string public_url;  ///< URL by which clients reach the service
  std::vector<std::string> allowed{};  ///< allowed origins of web pages: "https://images.example.org"
};

class OriginPolicy {
 public:
  /// Throws Error(usage) for an invalid allowed origin.
  explicit OriginPolicy(OriginOptions options);

  /// The response to a request that must be rejected: 403 with the reason, or that of a preflight (Fetch
  /// Standard, section 3.2). Nothing for all other requests. Looks only at the header.
  [[nodiscard]] std::optional<http::Response> screen(const http::Request& request) const;
  /// Adds the CORS headers for allowed origins.
  void finish(const http::Request& request, http::Response& response) const;

 private:
  [[nodiscard]] bool is_allowed(const std::string& origin) const;
  [[nodiscard]] bool is_own_host(const std::string& host) const;
  OriginOptions options_;
};

}  // namespace tessera::service
