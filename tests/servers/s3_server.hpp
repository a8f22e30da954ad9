// Private servers of the S3 protocol.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "servers/server_process.hpp"

namespace tessera::testing {

/// s3rver, from npm: what people test with. It checks no signatures, and gets some ranges and lists wrong.
/// Strict: strict_s3.py, which checks every signature with Amazon's own library.
enum class S3Kind : std::uint8_t { s3rver, strict };

class S3Server {
 public:
  static constexpr const char* access_key = "S3RVER";
  static constexpr const char* secret_key = "S3RVER";
  /// With one empty bucket, "pictures". Sets the credentials in this process's environment.
  explicit S3Server(S3Kind kind = S3Kind::strict);
  [[nodiscard]] std::string endpoint() const { return "http://127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] std::string url() const { return "s3://pictures/of%20mine?endpoint=" + endpoint(); }

 private:
  ServerFolder folder_;
  int port_ = free_port();
  std::unique_ptr<ServerProcess> process_;
};

}  // namespace tessera::testing
