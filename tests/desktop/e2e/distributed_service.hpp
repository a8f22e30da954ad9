// The whole distributed service, each part a process of its own, as an administrator would run it.
#pragma once

#include <fmt/format.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "servers/rabbitmq_server.hpp"
#include "servers/raw_http.hpp"
#include "servers/redis_server.hpp"
#include "servers/s3_server.hpp"
#include "servers/server_process.hpp"

namespace tessera::testing {

class DistributedService {
 public:
  DistributedService() {
    notifier_ = launch("notifier", {"--listen", fmt::format("127.0.0.1:{}", notifier_port_)});
    notifier_->wait_until_ready(notifier_port_);
    gateway_ = launch("gateway", {"--listen", fmt::format("127.0.0.1:{}", gateway_port_), "--notifier-url",
                                  fmt::format("http://127.0.0.1:{}", notifier_port_)});
    node_ = launch("node", {"--ranks", "2", "--threads", "1", "--drain-limit", "1"});
    gateway_->wait_until_ready(gateway_port_,
                               [this] { return ask(gateway_port_, "GET", "/readyz").status == 200; });
  }
  [[nodiscard]] std::string url() const { return fmt::format("http://127.0.0.1:{}", gateway_port_); }

 private:
  std::unique_ptr<ServerProcess> launch(const std::string& what, const std::vector<std::string>& more) {
    std::vector<std::string> command{TESSERA_PROGRAM, what,      "--queue", broker_.url(),  "--state",
                                     redis_.url(),    "--store", s3_.url(), "--log-format", "json"};
    command.insert(command.end(), more.begin(), more.end());
    return std::make_unique<ServerProcess>(command, ServerProcess::Environment{}, folder_.path() / what);
  }

  ServerFolder folder_;
  RabbitMqServer broker_;
  RedisServer redis_;
  S3Server s3_{S3Kind::s3rver};
  int gateway_port_ = free_port();
  int notifier_port_ = free_port();
  std::unique_ptr<ServerProcess> notifier_;
  std::unique_ptr<ServerProcess> gateway_;
  std::unique_ptr<ServerProcess> node_;
};

}  // namespace tessera::testing
