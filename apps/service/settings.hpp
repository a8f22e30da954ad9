// What all parts of the service are told: where queue, state and objects are, and how to log. Flags go before
// environment (TESSERA_*), which goes before the configuration file.
#pragma once

#include <CLI/App.hpp>
#include <memory>
#include <string>

#include "codec/work_limits.hpp"
#include "log/json_log.hpp"
#include "node/node.hpp"
#include "service/access.hpp"
#include "service/metrics.hpp"

namespace tessera::service {

struct Settings {
  std::string queue;
  std::string state;
  std::string store;
  std::string log_level = "info";
  std::string log_format = "auto";
};

/// Adds --queue, --state, --store, --log-level and --log-format. The first three must be given.
void add_settings(CLI::App& app, Settings& settings);
/// --log-level, --log-format and --config alone.
void add_log_settings(CLI::App& app, Settings& settings);
[[nodiscard]] std::shared_ptr<spdlog::logger> open_log(const std::string& component,
                                                       const Settings& settings);

struct NodeSettings {
  NodeOptions options;
  std::string scratch;
  std::string spreading = "auto";
  WorkLimits limits = service_limits();
  double time_limit_s = 7200;
  double drain_limit_s = 30;
  std::string metrics_listen;  ///< empty: no metrics of its own
};
/// Adds --ranks, --threads, --hostfile, all limits and the rest of what a node wants to know.
void add_node_settings(CLI::App& app, NodeSettings& settings);
/// The finished options: identity, scratch folder (made, private to this node), program.
[[nodiscard]] NodeOptions complete(const NodeSettings& settings);

/// A node with what it works on.
class RunningNode {
 public:
  /// `metrics` must outlive it.
  RunningNode(NodeOptions options, const Settings& settings, Metrics& metrics,
              std::shared_ptr<spdlog::logger> log);
  ~RunningNode();
  RunningNode(const RunningNode&) = delete;
  RunningNode& operator=(const RunningNode&) = delete;
  void drain() { node_->drain(); }
  /// Serves GET /metrics and /healthz on ADDRESS:PORT; beyond loopback only with tokens.
  void serve_metrics(const std::string& listen, Metrics& metrics);

 private:
  StateStore state_;
  std::unique_ptr<ObjectStore> objects_;
  std::unique_ptr<JobQueue> queue_;
  std::unique_ptr<Node> node_;
  Metrics::Reader reader_;
  std::unique_ptr<Access> access_;
  std::unique_ptr<http::Server> server_;
};

struct Endpoint {
  std::string address;
  int port = 0;
};
/// Of "127.0.0.1:8080" or "[::1]:8080". Throws Error(usage).
[[nodiscard]] Endpoint parse_listen(const std::string& text);

/// Blocks the signals that ask a server to stop, for this thread and those it starts. Call it first.
void block_stop_signals();
/// Waits for SIGINT or SIGTERM. A second one ends the process at once.
void wait_for_stop_signal();

}  // namespace tessera::service
