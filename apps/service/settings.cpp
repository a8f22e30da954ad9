// SPDX-License-Identifier: Apache-2.0
#include "settings.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <thread>

#include "adapters/open.hpp"
#include "base/error.hpp"
#include "base/machine.hpp"
#include "base/system.hpp"
#include "config_file.hpp"
#include "http/server.hpp"
#include "limit_options.hpp"
#include "owner_limits.hpp"
#include "service/instrumented_store.hpp"
#include "service/origins.hpp"
#include "service/secret_files.hpp"

namespace tessera::service {
namespace {

constexpr int exit_by_second_signal = 130;
constexpr int exit_by_time_limit = 1;

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

void add_url(CLI::App& app, const std::string& option, const std::string& variable, std::string& url,
             std::string& file, const char* doc) {
  app.add_option(option, url, doc)->envname(variable)->type_name("URL");
  app.add_option(option + "-file", file, "The same, from a file: command lines can be seen by others")
      ->envname(variable + "_FILE")
      ->type_name("FILE");
}

void read_url(const char* option, std::string& url, const std::string& file) {
  if (url.empty() == file.empty()) {
    throw Error(ErrorCode::usage,
                fmt::format("Give {0} or {0}-file{1}.", option, url.empty() ? "" : ", not both"));
  }
  if (url.empty()) {
    url = read_secret_file(file);
  }
}

}  // namespace

std::filesystem::path tessera_command() {
  const auto here = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  for (const auto& candidate : {here / "tessera", here / "../../bin/tessera"}) {
    if (std::filesystem::exists(candidate)) {
      return std::filesystem::canonical(candidate);
    }
  }
  throw Error(ErrorCode::not_found,
              fmt::format("The tessera command was not found beside '{}': install both.", here.string()));
}

void add_settings(CLI::App& app, Settings& settings) {
  add_url(app, "--queue", "TESSERA_QUEUE", settings.queue, settings.queue_file,
          "Job queue: amqp://user:password@host,host/vhost or sqlite:///FILE");
  add_state_setting(app, settings);
  add_url(app, "--store", "TESSERA_STORE", settings.store, settings.store_file,
          "Image store: s3://bucket?endpoint=URL, gs://bucket or file:///FOLDER");
  add_state_settings(app, settings);
  add_log_settings(app, settings);
}

void add_state_setting(CLI::App& app, Settings& settings) {
  add_url(app, "--state", "TESSERA_STATE", settings.state, settings.state_file,
          "State store: redis://user:password@host:6379, redis+sentinel://host,host/NAME or sqlite:///FILE");
}

void read_urls(Settings& settings) {
  read_url("--queue", settings.queue, settings.queue_file);
  read_state_url(settings);
  read_url("--store", settings.store, settings.store_file);
}

void read_state_url(Settings& settings) { read_url("--state", settings.state, settings.state_file); }

void add_state_settings(CLI::App& app, Settings& settings) {
  app.add_option("--max-events", settings.max_events,
                 "Approximate number of events kept for clients that reconnect; each takes some kilobytes")
      ->envname("TESSERA_MAX_EVENTS")
      ->check(CLI::Range(std::int64_t{1000}, std::int64_t{1'000'000'000}))
      ->capture_default_str();
}

StateOptions state_options(const Settings& settings, const std::shared_ptr<spdlog::logger>& log) {
  StateOptions options;
  options.max_events = settings.max_events;
  options.warn = [log](const std::string& sentence) { log->warn("{}", sentence); };
  return options;
}

void add_log_settings(CLI::App& app, Settings& settings) {
  app.add_option("--log-level", settings.log_level, "trace, debug, info, warning, error or off")
      ->envname("TESSERA_LOG_LEVEL");
  app.add_option("--log-format", settings.log_format, "json, text, or auto: text on a terminal")
      ->envname("TESSERA_LOG_FORMAT")
      ->check(CLI::IsMember({"auto", "json", "text"}));
  add_config_option(app);
}

std::shared_ptr<spdlog::logger> open_log(const std::string& component, const Settings& settings) {
  return make_logger(component, settings.log_level,
                     settings.log_format == "json"   ? LogFormat::json
                     : settings.log_format == "text" ? LogFormat::text
                                                     : LogFormat::automatic);
}

void add_node_settings(CLI::App& app, NodeSettings& settings) {
  NodeOptions& options = settings.options;
  app.add_option("-n,--ranks", options.ranks.ranks, "MPI ranks to keep")
      ->envname("TESSERA_RANKS")
      ->check(CLI::Range(1, 4096));
  app.add_option("-t,--threads", options.ranks.threads, "Threads of each rank; 0: cores divided by ranks")
      ->envname("TESSERA_THREADS")
      ->check(CLI::Range(0, 1024));
  app.add_option("--hostfile", options.ranks.hostfile, "Hosts to start ranks on, for mpirun")
      ->envname("TESSERA_HOSTFILE")
      ->type_name("FILE");
  app.add_option("--address", options.ranks.address,
                 "With --hostfile: name or address of this host for the ranks")
      ->envname("TESSERA_ADDRESS")
      ->type_name("HOST");
  app.add_option("--spreading", settings.scheduling,
                 "farm: each image on one rank; split: each over all ranks; auto: by size and queue")
      ->envname("TESSERA_SPREADING")
      ->check(CLI::IsMember({"auto", "farm", "split"}));
  app.add_option("--scratch", settings.scratch, "Folder for temporary images (default: the system's)")
      ->envname("TESSERA_SCRATCH")
      ->type_name("FOLDER");
  app.add_option("--sandbox", settings.sandbox,
                 "Sandbox for ranks, which decode untrusted images: auto: as far as this system supports it; "
                 "require: all of it, or do not start; off")
      ->envname("TESSERA_SANDBOX")
      ->check(CLI::IsMember({"auto", "require", "off"}));
  add_limit_options(app, settings.limits, LimitSources::and_environment);
  app.add_option("--owner-limits", settings.owner_limits_file,
                 "JSON file with limits per owner: {\"alice\": {\"max-pixels\": 40000000, "
                 "\"time-limit\": 60}}")
      ->envname("TESSERA_OWNER_LIMITS")
      ->type_name("FILE");
  app.add_option("--time-limit", settings.time_limit_s, "Seconds a job may be processed; 0: no limit")
      ->envname("TESSERA_TIME_LIMIT")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--drain-limit", settings.drain_limit_s,
                 "Seconds for active jobs to finish when the node stops")
      ->envname("TESSERA_DRAIN_LIMIT")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--max-attempts", options.max_attempts,
                 "Attempts in which a job's ranks may die before it is moved to the dead-letter queue")
      ->envname("TESSERA_MAX_ATTEMPTS")
      ->check(CLI::Range(1, 100));
}

std::filesystem::path scratch_parent(const NodeSettings& settings) {
  return settings.scratch.empty() ? std::filesystem::temp_directory_path()
                                  : std::filesystem::path(settings.scratch);
}

NodeOptions complete(const NodeSettings& settings, const std::filesystem::path& scratch) {
  NodeOptions options = settings.options;
  options.host = host_name();
  options.id = new_id("node", system_now());
  options.version = TESSERA_VERSION;
  options.scheduling = settings.scheduling == "farm"    ? SchedulingPolicy::one_rank_per_job
                       : settings.scheduling == "split" ? SchedulingPolicy::all_ranks
                                                        : SchedulingPolicy::automatic;
  options.time_limit = std::chrono::milliseconds(static_cast<std::int64_t>(settings.time_limit_s * 1000));
  options.drain_limit = std::chrono::milliseconds(static_cast<std::int64_t>(settings.drain_limit_s * 1000));
  WorkLimits limits = settings.limits;
  if (limits.max_memory_bytes == 0 && settings.options.ranks.hostfile.empty()) {
    // Sandboxed ranks cannot read control groups.
    limits.max_memory_bytes = share_of_memory(usable_memory_bytes(), settings.options.ranks.ranks);
  }
  options.limits = to_json(limits);
  if (!settings.owner_limits_file.empty()) {
    options.owner_limits = read_owner_limits(settings.owner_limits_file);
  }
  options.ranks.max_memory_bytes = settings.limits.max_memory_bytes;
  options.ranks.program = tessera_command();
  options.ranks.sandbox = sandbox_mode_named(settings.sandbox).value_or(SandboxMode::require);
  if (!options.ranks.hostfile.empty() && options.ranks.address.empty()) {
    options.ranks.address = options.host;
  }
  options.ranks.scratch = scratch;
  return options;
}

Endpoint parse_listen(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  Endpoint endpoint;
  if (colon != std::string::npos) {
    endpoint.address = text.substr(0, colon);
    if (endpoint.address.starts_with('[') && endpoint.address.ends_with(']')) {
      endpoint.address = endpoint.address.substr(1, endpoint.address.size() - 2);
    }
    const char* const end = text.data() + text.size();
    const auto [last, error] = std::from_chars(text.data() + colon + 1, end, endpoint.port);
    if (error == std::errc() && last == end && endpoint.port >= 0 && endpoint.port <= 65535) {
      return endpoint;
    }
  }
  throw Error(
      ErrorCode::usage,
      fmt::format("Cannot listen on '{}': write an address and a port, such as 127.0.0.1:8080.", text));
}

namespace {

/// Servers that are away are waited for; a server on which this cannot work will not do so later either.
void check_kind_of_server(JobStore& jobs) {
  try {
    jobs.check();
  } catch (const Error& error) {
    if (error.code() == ErrorCode::usage) {
      throw;
    }
  }
}

}  // namespace

RunningNode::RunningNode(NodeOptions options, const Settings& settings, Metrics& metrics,
                         std::shared_ptr<spdlog::logger> log)
    : state_(open_state_store(settings.state, state_options(settings, log))),
      objects_(with_metrics(open_object_store(settings.store, {}), metrics)) {
  check_kind_of_server(*state_.jobs);
  QueueOptions queue_options;
  queue_options.prefetch = options.jobs_at_once();
  queue_ = open_job_queue(settings.queue, queue_options);
  log->info("{} on {} with {} ranks", options.id, options.host, options.ranks.ranks);
  options.on_phase = [&metrics](std::string_view phase, std::chrono::duration<double> time) {
    metrics.observe(Metric::job_phase_seconds, {{"phase", std::string(phase)}}, time.count());
  };
  options.on_end = [&metrics](std::string_view end) {
    metrics.add(Metric::job_ends, {{"end", std::string(end)}});
  };
  node_ = std::make_unique<Node>(std::move(options),
                                 NodePorts{*queue_, *state_.jobs, *state_.events, *state_.nodes, *objects_},
                                 std::move(log));
  reader_ = metrics.before_text([this, &metrics, counted = 0.0]() mutable {
    const double busy = node_->counts().busy_seconds;
    metrics.add(Metric::rank_busy_seconds, {}, busy - counted);
    counted = busy;
    metrics.set(Metric::rank_group_restarts, {}, node_->ranks().restarts());
    metrics.set(Metric::rank_connections_refused, {},
                static_cast<double>(node_->ranks().refused_connections()));
  });
}

RunningNode::~RunningNode() = default;

void RunningNode::serve_metrics(const std::string& listen, bool open, Metrics& metrics) {
  const Endpoint endpoint = parse_listen(listen);
  access_ = std::make_unique<Access>(*state_.tokens, authentication_of(open, endpoint.address));
  const auto origins = std::make_shared<OriginPolicy>(OriginOptions{open, {}});
  http::Router router;
  mount_metrics(router, metrics, require_scope(*access_, Scope::metrics));
  router.add(
      "GET", "/healthz", {},
      [](http::Request&) {
        return http::json_response(200, {{"status", "alive"}, {"version", TESSERA_VERSION}});
      },
      {}, http::Lane::immediate);
  router.add("GET", "/readyz", {}, [this](http::Request&) {
    const std::string problem = !node_->problem().empty() ? node_->problem()
                                : !node_->ranks().ready() ? "The ranks are being started."
                                                          : "";
    return http::json_response(problem.empty() ? 200 : 503,
                               {{"ready", problem.empty()}, {"reason", problem}});
  });
  http::ServerOptions options;
  options.address = endpoint.address;
  options.port = endpoint.port;
  options.light_threads = 1;
  options.heavy_threads = 2;
  options.file_threads = 1;
  options.producer_threads = 1;
  options.screen = [origins](const http::Request& request) { return origins->screen(request); };
  server_ = std::make_unique<http::Server>(std::move(options), std::move(router));
}

Authentication authentication_of(bool open, const std::string& address) {
  if (open && !http::is_loopback(address)) {
    throw Error(
        ErrorCode::usage,
        fmt::format("With --open anyone who can reach {} could use this service: listen on 127.0.0.1, "
                    "or omit --open and create tokens (see 'tessera token').",
                    address));
  }
  return open ? Authentication::disabled : Authentication::required;
}

void keep_files_private() { ::umask(S_IRWXG | S_IRWXO); }

void prepare_process() {
  const sigset_t set = stop_signals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  raise_open_file_limit();
}

void wait_for_stop_signal() {
  const sigset_t set = stop_signals();
  int signal = 0;
  ::sigwait(&set, &signal);
  std::thread([set] {
    int second = 0;
    ::sigwait(&set, &second);
    std::_Exit(exit_by_second_signal);
  }).detach();
}

void end_at_latest(std::chrono::milliseconds limit, std::shared_ptr<spdlog::logger> log) {
  std::thread([limit, log = std::move(log)] {
    std::this_thread::sleep_for(limit);
    log->error(
        "not ended after {} s: something does not respond. Active jobs will be processed by other nodes.",
        std::chrono::duration_cast<std::chrono::seconds>(limit).count());
    log->flush();
    std::_Exit(exit_by_time_limit);
  }).detach();
}

}  // namespace tessera::service
