// SPDX-License-Identifier: Apache-2.0
// A private Google Cloud Storage: strict_gcs.py, which checks every token and signature.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "servers/server_process.hpp"

namespace tessera::testing {

/// How a store proves who it is.
enum class GcsAccess : std::uint8_t { key_file, hmac, machine };

/// A new RSA key of 2048 bits, as PEM; made once a process, as that takes a while.
[[nodiscard]] const std::string& rsa_private_key();

class GcsServer {
 public:
  static constexpr const char* email = "tester@project.iam.gserviceaccount.com";
  static constexpr const char* access_id = "GOOG1EXAMPLE";
  static constexpr const char* secret = "a+secret/of=this test";
  /// With one empty bucket, "pictures". Sets the environment of this process for that kind of access.
  explicit GcsServer(GcsAccess access = GcsAccess::key_file);

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] std::string endpoint() const { return "http://127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] std::string url() const {
    return "gs://pictures/of%20mine?endpoint=" + endpoint() + "&iam-endpoint=" + endpoint();
  }
  [[nodiscard]] std::filesystem::path key_file() const { return folder_.path() / "key.json"; }

  /// What is to go wrong from now on: a JSON list, as strict_gcs.py describes it.
  void fail(std::string_view faults) const;
  void expire_tokens() const;
  /// How many requests of that kind got that status; any status if it is zero.
  [[nodiscard]] int count(std::string_view kind, int status = 0) const;
  [[nodiscard]] std::string log() const;

 private:
  ServerFolder folder_;
  int port_ = free_port();
  std::unique_ptr<ServerProcess> process_;
};

}  // namespace tessera::testing
