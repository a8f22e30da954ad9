// A private Redis that keeps what it was told, also when it is killed.
#pragma once

#include <memory>
#include <string>

#include "servers/server_process.hpp"

namespace tessera::testing {

class RedisServer {
 public:
  explicit RedisServer(std::string password = {});
  void start();
  void kill() { process_->kill(); }
  void suspend() { process_->suspend(); }
  void resume() { process_->resume(); }
  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] std::string url() const;

 private:
  ServerFolder folder_;
  int port_ = free_port();
  std::string password_;
  std::unique_ptr<ServerProcess> process_;
};

}  // namespace tessera::testing
