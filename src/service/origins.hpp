// Which web pages may talk to a service. Browsers send requests for any page they show; these checks keep
// pages of other origins from using a service that their visitor can reach.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "http/message.hpp"

namespace tessera::service {

struct OriginOptions {
  bool open = false;                   ///< no token is needed: then the Host must be one of this machine
  std::string public_url;              ///< under which clients reach the service
  std::vector<std::string> allowed{};  ///< origins of web pages that may use it: "https://images.example.org"
};

class OriginPolicy {
 public:
  /// Throws Error(usage) for an allowed origin that is none.
  explicit OriginPolicy(OriginOptions options);

  /// The answer to a request that must not be worked on: 403 with the reason, or that of a preflight (Fetch
  /// Standard, section 3.2). Nothing for all others. Looks at the header alone.
  [[nodiscard]] std::optional<http::Response> screen(const http::Request& request) const;
  /// Adds what lets pages of allowed origins read the answer.
  void finish(const http::Request& request, http::Response& response) const;

 private:
  [[nodiscard]] bool is_allowed(const std::string& origin) const;
  [[nodiscard]] bool is_own_host(const std::string& host) const;
  OriginOptions options_;
};

}  // namespace tessera::service
