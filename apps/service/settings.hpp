// What all parts of the service are told: where queue, state and objects are, and how to log. Flags go before
// environment (TESSERA_*), which goes before the configuration file.
#pragma once

#include <CLI/App.hpp>
#include <memory>
#include <string>

#include "schema/work_limits.hpp"
#include "log/json_log.hpp"
#include "node/node.hpp"
#include "service/access.hpp"
#include "service/metrics.hpp"

namespace tessera::service {

struct Settings {
  std::string queue;
  std::string state;
  std::string store;
  std::string queue_file;  ///< that holds the URL in its place
  std::string state_file;
  std::string store_file;
  std::int64_t max_events = StateOptions{}.max_events;
  std::string log_level = "info";
  std::string log_format = "auto";
};

/// Adds --queue, --state and --store, the same with -file, --max-events, --log-level and --log-format.
void add_settings(CLI::App& app, Settings& settings);
/// Adds --state and --state-file alone.
void add_state_setting(CLI::App& app, Settings& settings);
/// Reads the URLs that lie in files, so that command lines, which everyone on a machine can see, hold no
/// passwords. Throws Error(usage) for one that is missing or given twice.
void read_urls(Settings& settings);
void read_state_url(Settings& settings);
/// --log-level, --log-format and --config alone.
void add_log_settings(CLI::App& app, Settings& settings);
/// --max-events alone.
void add_state_settings(CLI::App& app, Settings& settings);
/// How the state is kept; what there is to warn of goes to the log.
[[nodiscard]] StateOptions state_options(const Settings& settings,
                                         const std::shared_ptr<spdlog::logger>& log);
[[nodiscard]] std::shared_ptr<spdlog::logger> open_log(const std::string& component,
                                                       const Settings& settings);

struct NodeSettings {
  NodeOptions options;
  std::string scratch;
  std::string spreading = "auto";
  std::string sandbox = "auto";
  WorkLimits limits = service_limits();
  std::string owner_limits_file;  ///< empty: all owners have the same
  double time_limit_s = 7200;
  double drain_limit_s = 30;
  std::string metrics_listen;  ///< empty: no metrics of its own
  bool open = false;           ///< metrics without a token
};
/// Adds --ranks, --threads, --hostfile, all limits and the rest of what a node wants to know.
void add_node_settings(CLI::App& app, NodeSettings& settings);
/// Where scratch folders are made.
[[nodiscard]] std::filesystem::path scratch_place(const NodeSettings& settings);
/// The finished options: identity, program, and the scratch folder of this node.
[[nodiscard]] NodeOptions complete(const NodeSettings& settings, const std::filesystem::path& scratch);

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
/// Of "127.0.0.1:8080" or "[::1]:8080". Throws Error(usage).
[[nodiscard]] Endpoint parse_listen(const std::string& text);

/// What --open means for a service that listens on `address`. Throws Error(usage) if others can reach it.
[[nodiscard]] Door door_of(bool open, const std::string& address);

/// From here on, what this process makes is for its user alone.
void keep_files_private();

/// Blocks the signals that ask a server to stop, for this thread and those it starts, and lets it open as
/// many files as the hard limit allows. Call it first.
void prepare_process();
/// Waits for SIGINT or SIGTERM. A second one ends the process at once.
void wait_for_stop_signal();
/// Ends the process when so much time has passed, if it has not ended before: for calls that hang. Everything
/// durable is safe then as it is when the process is killed.
void end_at_latest(std::chrono::milliseconds limit, std::shared_ptr<spdlog::logger> log);
/// How long a process may take, beyond its drain limit, from the signal to its end.
constexpr std::chrono::milliseconds longest_stop{9'000};

}  // namespace tessera::service
