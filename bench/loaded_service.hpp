// SPDX-License-Identifier: Apache-2.0
// Services that are measured: one node of two ranks, and the events of all jobs.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "client/client.hpp"
#include "output_of.hpp"
#include "servers/distributed_service.hpp"
#include "servers/raw_http.hpp"
#include "servers/s3_server.hpp"
#include "servers/sse_crowd.hpp"

namespace tessera::bench {

using namespace tessera::testing;
using Steady = std::chrono::steady_clock;

constexpr int ranks = 2;
constexpr auto patience = std::chrono::minutes(20);

inline double seconds_since(Steady::time_point start) {
  return std::chrono::duration<double>(Steady::now() - start).count();
}

/// A service with one node of two ranks, and the events of all jobs.
class Service {
 public:
  virtual ~Service() = default;
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  [[nodiscard]] Client& client() { return *client_; }
  [[nodiscard]] SseCrowd& events() { return *events_; }
  /// What jobs have spent in each phase until now, added up.
  [[nodiscard]] std::map<std::string, double> phase_seconds() const {
    std::map<std::string, double> result;
    const std::string text = ask(metrics_port_, "GET", "/metrics").body;
    for (const char* phase : {"fetch", "turn", "work", "process", "store"}) {
      const std::string begin = fmt::format("tessera_job_phase_seconds_sum{{phase=\"{}\"}} ", phase);
      const std::size_t at = text.find(begin);
      result[phase] = at == std::string::npos ? 0 : std::stod(text.substr(at + begin.size(), 40));
    }
    return result;
  }
  [[nodiscard]] double rank_busy_seconds() const {
    const std::string text = ask(metrics_port_, "GET", "/metrics").body;
    const std::string begin = "\ntessera_rank_busy_seconds_total ";
    const std::size_t at = text.find(begin);
    return at == std::string::npos ? 0 : std::stod(text.substr(at + begin.size(), 40));
  }
  /// Processes by what they are. "node" is the first.
  [[nodiscard]] virtual std::vector<std::pair<std::string, pid_t>> processes() = 0;

  /// Until so many events of a type have come since the beginning.
  void wait_for(const std::string& type, std::size_t count) {
    const auto enough = [&](const std::vector<SseCrowd::Heard>& heard) {
      const auto of_type = [&](const SseCrowd::Heard& event) { return event.type == type; };
      const auto failed = [&](const SseCrowd::Heard& event) { return event.type == "failed"; };
      return static_cast<std::size_t>(std::ranges::count_if(heard, of_type)) >= count ||
             std::ranges::any_of(heard, failed);
    };
    if (!events_->all(enough, patience)) {
      throw std::runtime_error(fmt::format("{} events '{}' did not come in time", count, type));
    }
    for (const SseCrowd::Heard& event : events_->heard(0)) {
      if (event.type == "failed") {
        throw std::runtime_error("a job has failed");
      }
    }
  }
  [[nodiscard]] std::size_t heard_of(const std::string& type) const {
    const auto heard = events_->heard(0);
    return static_cast<std::size_t>(
        std::ranges::count_if(heard, [&](const SseCrowd::Heard& event) { return event.type == type; }));
  }
  void expect_ranks(const std::string& server) {
    for (const auto start = Steady::now(); seconds_since(start) < 60;) {
      const Json nodes = client_->get("/v1/nodes");
      for (const Json& node : nodes.at("nodes")) {
        if (node.dump().find("\"ready\"") != std::string::npos) {
          return;
        }
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    throw std::runtime_error(fmt::format("the node of {} did not become ready", server));
  }

 protected:
  Service() = default;
  void follow(int gateway_port, int notifier_port, int metrics_port) {
    metrics_port_ = metrics_port;
    client_ =
        std::make_unique<Client>(ClientOptions{fmt::format("http://127.0.0.1:{}", gateway_port), {}, {}});
    expect_ranks(fmt::format("port {}", gateway_port));
    events_ = std::make_unique<SseCrowd>(notifier_port, std::vector<std::string>{"/v1/events"});
    while (events_->connected() == 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }

 private:
  int metrics_port_ = 0;
  std::unique_ptr<Client> client_;
  std::unique_ptr<SseCrowd> events_;
};

class ServeService final : public Service {
 public:
  explicit ServeService(const std::string& spreading) {
    process_ = std::make_unique<ServerProcess>(
        Command{TESSERA_PROGRAM, "serve", "--data", (folder_.path() / "data").string(), "--listen",
                fmt::format("127.0.0.1:{}", port_), "--ranks", std::to_string(ranks), "--threads", "1",
                "--spreading", spreading, "--open"},
        ServerProcess::Environment{}, folder_.path() / "log");
    process_->wait_until_ready(port_);
    follow(port_, port_, port_);
  }
  std::vector<std::pair<std::string, pid_t>> processes() override { return {{"node", process_->pid()}}; }

 private:
  ServerFolder folder_;
  int port_ = free_port();
  std::unique_ptr<ServerProcess> process_;
};

/// On a broker, a Redis, and a store of which the measuring program has the credentials.
class BrokeredService final : public Service {
 public:
  BrokeredService(const std::string& spreading, const std::string& store_url)
      : service_(store_url, {"--link-secret", "a secret of the measuring program"},
                 {"--spreading", spreading, "--metrics-listen", fmt::format("127.0.0.1:{}", metrics_port_),
                  "--open"}) {
    follow(service_.gateway_port(), service_.notifier_port(), metrics_port_);
  }
  std::vector<std::pair<std::string, pid_t>> processes() override {
    return {{"node", service_.node().pid()},
            {"gateway", service_.gateway().pid()},
            {"notifier", service_.notifier().pid()}};
  }

 private:
  int metrics_port_ = free_port();
  DistributedService service_;
};

}  // namespace tessera::bench
