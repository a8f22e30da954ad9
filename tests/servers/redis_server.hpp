// SPDX-License-Identifier: Apache-2.0
// A private Redis that keeps what it was told, also when it is killed.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "servers/server_process.hpp"

namespace tessera::testing {

class RedisServer {
 public:
  /// More options are added to the command line.
  explicit RedisServer(std::string password = {}, bool tls = false, std::vector<std::string> options = {});
  void start();
  void kill() { process_->kill(); }
  void suspend() { process_->suspend(); }
  void resume() { process_->resume(); }
  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] std::string url() const;
  /// With TLS, for 127.0.0.1 alone; certificate_file() vouches for it.
  [[nodiscard]] std::string tls_url() const;
  [[nodiscard]] std::string certificate_file() const { return (folder_.path() / "certificate.pem").string(); }
  [[nodiscard]] std::string key_file() const { return (folder_.path() / "key.pem").string(); }
  [[nodiscard]] int tls_port() const { return tls_port_; }

 private:
  ServerFolder folder_;
  int port_ = free_port();
  int tls_port_ = free_port();
  bool tls_;
  std::string password_;
  std::vector<std::string> options_;
  std::unique_ptr<ServerProcess> process_;
};

}  // namespace tessera::testing
