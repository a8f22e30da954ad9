// SPDX-License-Identifier: Apache-2.0
#include "servers/distributed_service.hpp"

#include <fmt/format.h>

#include "servers/raw_http.hpp"

namespace tessera::testing {
namespace {

std::string on_loopback(int port) { return fmt::format("127.0.0.1:{}", port); }

}  // namespace

DistributedService::DistributedService(std::string store_url, std::vector<std::string> gateway_options,
                                       std::vector<std::string> node_options)
    : store_url_(std::move(store_url)),
      gateway_options_(std::move(gateway_options)),
      node_options_(std::move(node_options)) {
  start_notifier();
  start_gateway();
  start_node();
  gateway_->wait_until_ready(gateway_port_,
                             [this] { return ask(gateway_port_, "GET", "/readyz").status == 200; });
}

std::string DistributedService::url() const { return "http://" + on_loopback(gateway_port_); }

void DistributedService::start_gateway() {
  std::vector<std::string> options{"--listen", on_loopback(gateway_port_), "--notifier-url",
                                   "http://" + on_loopback(notifier_port_), "--open"};
  options.insert(options.end(), gateway_options_.begin(), gateway_options_.end());
  gateway_.reset();
  gateway_ = launch("gateway", options);
  gateway_->wait_until_ready(gateway_port_);
}

void DistributedService::start_notifier() {
  notifier_.reset();
  notifier_ = launch("notifier", {"--listen", on_loopback(notifier_port_), "--open"});
  notifier_->wait_until_ready(notifier_port_);
}

void DistributedService::start_node() {
  node_.reset();
  std::vector<std::string> options{"--ranks", "2", "--threads", "1", "--drain-limit", "1"};
  options.insert(options.end(), node_options_.begin(), node_options_.end());
  node_ = launch("node", options);
}

std::unique_ptr<ServerProcess> DistributedService::launch(const std::string& what,
                                                          const std::vector<std::string>& more) {
  std::vector<std::string> command{TESSERA_PROGRAM, what,      "--queue",  broker_.url(),  "--state",
                                   redis_.url(),    "--store", store_url_, "--log-format", "json"};
  command.insert(command.end(), more.begin(), more.end());
  return std::make_unique<ServerProcess>(command, ServerProcess::Environment{},
                                         folder_.path() / fmt::format("{}-{}.log", what, ++launched_));
}

}  // namespace tessera::testing
