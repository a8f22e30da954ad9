// What all parts of the service are told: where queue, state and objects are, and how to log. Flags go before
// environment (TESSERA_*), which goes before the configuration file.
#pragma once

#include <CLI/App.hpp>
#include <memory>
#include <string>

#include "log/json_log.hpp"
#include "node/node.hpp"

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
  double time_limit_s = 7200;
  double drain_limit_s = 30;
};
/// Adds --ranks, --threads, --hostfile and the rest of what a node wants to know.
void add_node_settings(CLI::App& app, NodeSettings& settings);
/// The finished options: identity, scratch folder (made, private to this node), program.
[[nodiscard]] NodeOptions complete(const NodeSettings& settings);

/// A node with what it works on.
class RunningNode {
 public:
  RunningNode(const NodeOptions& options, const Settings& settings, std::shared_ptr<spdlog::logger> log);
  void drain() { node_->drain(); }

 private:
  StateStore state_;
  std::unique_ptr<ObjectStore> objects_;
  std::unique_ptr<JobQueue> queue_;
  std::unique_ptr<Node> node_;
};

/// Blocks the signals that ask a server to stop, for this thread and those it starts. Call it first.
void block_stop_signals();
/// Waits for SIGINT or SIGTERM. A second one ends the process at once.
void wait_for_stop_signal();

}  // namespace tessera::service
