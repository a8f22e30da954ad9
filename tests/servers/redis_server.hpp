// SPDX-License-Identifier: Apache-2.0
// A private Redis that keeps what it was told, also when it is killed.
#pragma once

#include <memory>
#include <string>

#include "servers/server_process.hpp"

namespace tessera::testing {

class RedisServer {
 public:
  explicit RedisServer(std::string password = {}, bool tls = false);
  void start();
  void kill() { process_->kill(); }
  void suspend() { process_->suspend(); }
  void resume() { process_->resume(); }
  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] std::string url() const;
  /// With TLS, for 127.0.0.1 alone; certificate_file() vouches for it.
  [[nodiscard]] std::string tls_url() const;
  [[nodiscard]] std::string certificate_file() const { return (folder_.path() / "certificate.pem").string(); }
  [[nodiscard]] int tls_port() const { return tls_port_; }

 private:
  ServerFolder folder_;
  int port_ = free_port();
  int tls_port_ = free_port();
  bool tls_;
  std::string password_;
  std::unique_ptr<ServerProcess> process_;
};

}  // namespace tessera::testing
