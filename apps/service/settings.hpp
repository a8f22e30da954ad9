// SPDX-License-Identifier: Apache-2.0
// Common settings: URLs of queue, state and objects, and logging. Flags take precedence over the environment
// (TESSERA_*), which takes precedence over the configuration file.
#pragma once

#include <CLI/App.hpp>
#include <memory>
#include <string>

#include "log/json_log.hpp"
#include "node/node.hpp"
#include "schema/work_limits.hpp"
#include "service/access.hpp"
#include "service/metrics.hpp"

namespace tessera::service {

struct Settings {
  std::string queue;
  std::string state;
  std::string store;
  std::string queue_file;  ///< file that contains the URL
  std::string state_file;
  std::string store_file;
  std::int64_t max_events = StateOptions{}.max_events;
  std::string log_level = "info";
  std::string log_format = "auto";
};

/// Adds --queue, --state and --store, the same with -file, --max-events, --log-level and --log-format.
void add_settings(CLI::App& app, Settings& settings);
/// Adds only --state and --state-file.
void add_state_setting(CLI::App& app, Settings& settings);
/// Reads URLs from files, which keeps passwords out of command lines, which all users of a machine can see.
/// Throws Error(usage) for a URL that is missing or given twice.
void read_urls(Settings& settings);
void read_state_url(Settings& settings);
/// Adds --log-level, --log-format and --config.
void add_log_settings(CLI::App& app, Settings& settings);
/// Adds --max-events.
void add_state_settings(CLI::App& app, Settings& settings);
/// State store options; warnings go to the log.
[[nodiscard]] StateOptions state_options(const Settings& settings,
                                         const std::shared_ptr<spdlog::logger>& log);
[[nodiscard]] std::shared_ptr<spdlog::logger> open_log(const std::string& component,
                                                       const Settings& settings);

struct NodeSettings {
  NodeOptions options;
  std::string scratch;
  std::string scheduling = "auto";
  std::string sandbox = "auto";
  WorkLimits limits = service_limits();
  std::string owner_limits_file;  ///< empty: no per-owner limits
  double time_limit_s = 7200;
  double drain_limit_s = 30;
  std::string metrics_listen;  ///< empty: metrics are not served
  bool open = false;           ///< disable authentication for metrics
};
/// Adds --ranks, --threads, --hostfile, all limits and the other options of a node.
void add_node_settings(CLI::App& app, NodeSettings& settings);
/// The tessera command, which is beside this program or in the bin folder of the same prefix. Throws
/// Error(not_found).
[[nodiscard]] std::filesystem::path tessera_command();
/// The parent of scratch folders.
[[nodiscard]] std::filesystem::path scratch_parent(const NodeSettings& settings);
/// The complete options, with identity, program, and the node's scratch folder.
[[nodiscard]] NodeOptions complete(const NodeSettings& settings, const std::filesystem::path& scratch);

/// A node with its stores and queue.
class RunningNode {
 public:
  /// `metrics` must outlive it.
  RunningNode(NodeOptions options, const Settings& settings, Metrics& metrics,
              std::shared_ptr<spdlog::logger> log);
  ~RunningNode();
  RunningNode(const RunningNode&) = delete;
  RunningNode& operator=(const RunningNode&) = delete;
  void drain() { node_->drain(); }
  /// Serves GET /metrics, /healthz and /readyz on ADDRESS:PORT.
  void serve_metrics(const std::string& listen, bool open, Metrics& metrics);

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
/// Parses "127.0.0.1:8080" or "[::1]:8080". Throws Error(usage).
[[nodiscard]] Endpoint parse_listen(const std::string& text);

/// Authentication for a service that listens on `address`. Throws Error(usage) if --open is used and others
/// can reach it.
[[nodiscard]] Authentication authentication_of(bool open, const std::string& address);

/// Sets the umask so that new files are private to this user.
void keep_files_private();

/// Blocks the stop signals for this thread and those it starts, and raises the limit of open files to the
/// hard limit. Call it first.
void prepare_process();
/// Waits for SIGINT or SIGTERM. A second one ends the process at once.
void wait_for_stop_signal();
/// Ends the process after this time if it has not ended before, in case calls hang. Durable data is as safe
/// as when the process is killed.
void end_at_latest(std::chrono::milliseconds limit, std::shared_ptr<spdlog::logger> log);
/// Maximum time, beyond the drain limit, from the signal to the end of the process.
constexpr std::chrono::milliseconds max_stop_time{9'000};

}  // namespace tessera::service
