// SPDX-License-Identifier: Apache-2.0
// Private servers of the S3 protocol.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "servers/server_process.hpp"

namespace tessera::testing {

/// s3rver, from npm: what people test with. It checks no signatures, and gets some ranges and lists wrong.
/// Strict: strict_s3.py, which checks every signature with Amazon's own library.
enum class S3Kind : std::uint8_t { s3rver, strict };

/// The source of credentials; all but `environment` return new ones for each request (aws_identities.py).
enum class S3Identity : std::uint8_t { environment, machine, container, web_identity };

/// How the strict server is accessed.
struct S3Access {
  bool virtual_hosted = false;  ///< the bucket is in the host's name, and nowhere else
  bool session = false;         ///< the credentials are temporary and have a session token
  S3Identity identity = S3Identity::environment;
};

class S3Server {
 public:
  static constexpr const char* access_key = "S3RVER";
  static constexpr const char* secret_key = "S3RVER";
  static constexpr const char* session_token = "a session/token+of=this test";
  static constexpr const char* role = "arn:aws:iam::123456789012:role/tessera-node";
  static constexpr const char* container_token = "token of this container";
  static constexpr const char* web_token = "eyJ.of+this/pod=";
  /// Has one empty bucket, "pictures". Sets the environment of this process for that kind of access.
  explicit S3Server(S3Kind kind = S3Kind::strict, S3Access access = {});
  /// Names under localhost lead to this machine, without a name server.
  [[nodiscard]] std::string endpoint() const {
    return (access_.virtual_hosted ? "http://s3.localhost:" : "http://127.0.0.1:") + std::to_string(port_);
  }
  [[nodiscard]] std::string url() const {
    return "s3://pictures/of%20mine?endpoint=" + endpoint() +
           (access_.virtual_hosted ? "&style=virtual" : "");
  }
  void expire_session() const;  ///< strict server: rejects all credentials issued so far
  /// Behaviour of the credentials service from now on: "life_s=N" or "fault=STATUS" (strict_s3.py).
  void set_identities(const std::string& query) const;
  [[nodiscard]] int credentials_issued() const;

  struct Request {
    std::string what;    ///< method and path, without the bucket
    int connection = 0;  ///< by which it came; they are numbered
  };
  /// Requests that a strict, path-style server has received so far, in order.
  [[nodiscard]] std::vector<Request> requests() const;

 private:
  void set_environment() const;

  S3Access access_;
  ServerFolder folder_;
  int port_ = free_port();
  std::unique_ptr<ServerProcess> process_;
};

}  // namespace tessera::testing
