// SPDX-License-Identifier: Apache-2.0
// The whole distributed service, each part a process of its own, as an administrator would run it.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "servers/rabbitmq_server.hpp"
#include "servers/redis_server.hpp"
#include "servers/server_process.hpp"

namespace tessera::testing {

class DistributedService {
 public:
  /// Gateway, notifier and a node with two ranks, on a broker and a Redis of its own and the store that
  /// `store_url` names. Credentials of the store come from this process's environment. Returns when all is
  /// ready. More options are added to the gateway's and the node's.
  explicit DistributedService(std::string store_url, std::vector<std::string> gateway_options = {},
                              std::vector<std::string> node_options = {});

  [[nodiscard]] std::string url() const;  ///< of the gateway
  [[nodiscard]] int gateway_port() const { return gateway_port_; }
  [[nodiscard]] int notifier_port() const { return notifier_port_; }
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_.path(); }
  [[nodiscard]] RabbitMqServer& broker() { return broker_; }
  [[nodiscard]] RedisServer& redis() { return redis_; }
  [[nodiscard]] ServerProcess& gateway() { return *gateway_; }
  [[nodiscard]] ServerProcess& notifier() { return *notifier_; }
  [[nodiscard]] ServerProcess& node() { return *node_; }

  /// Each begins a new process in place of the one before, which is stopped if it still runs.
  void start_gateway();
  void start_notifier();
  void start_node();

 private:
  [[nodiscard]] std::unique_ptr<ServerProcess> launch(const std::string& what,
                                                      const std::vector<std::string>& more);

  std::string store_url_;
  std::vector<std::string> gateway_options_;
  std::vector<std::string> node_options_;
  ServerFolder folder_;
  RabbitMqServer broker_;
  RedisServer redis_;
  int gateway_port_ = free_port();
  int notifier_port_ = free_port();
  int launched_ = 0;
  std::unique_ptr<ServerProcess> notifier_;
  std::unique_ptr<ServerProcess> gateway_;
  std::unique_ptr<ServerProcess> node_;
};

}  // namespace tessera::testing
