// SPDX-License-Identifier: Apache-2.0
// What a gateway does for many viewers of large pictures, and what its viewers do to the jobs that run meanwhile: the
// whole distributed service, each part a process of its own, a crowd of viewers, and one job after the other. Prints
// JSON. Fails if a tile is answered with anything but itself or "later" (429, 503), or a job fails.
#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include "../output_of.hpp"
#include "../percentiles.hpp"
#include "../processor_times.hpp"
#include "base/error.hpp"
#include "client/client.hpp"
#include "servers/distributed_service.hpp"
#include "servers/sse_crowd.hpp"
#include "viewer_crowd.hpp"

namespace {

using namespace tessera;
using namespace tessera::bench;
using nlohmann::json;
using testing::DistributedService;
using Steady = std::chrono::steady_clock;

constexpr const char* pipeline_of_jobs = "gaussian-blur sigma=3 | unsharp-mask";

struct Options {
  CrowdOptions crowd;
  double arrival_s = 20;
  double settling_s = 30;
  double seconds = 90;
  double alone_s = 20;
  int owners = 4;
  std::int64_t side_px = 12'000;
  std::int64_t job_side_px = 3'000;
  int view_processes = 2;
  std::string photo;
};

/// The token of a new owner.
std::string add_owner(DistributedService& service, const std::string& owner) {
  const std::string told = output_of(
      {TESSERA_PROGRAM, "token", "--state", service.redis().url(), "add", owner, "--scope", "submit,read"},
      service.folder());
  const std::size_t begin = told.find("tsr_");
  return told.substr(begin, told.find_first_of(" \n", begin) - begin);
}

Client client_of(const DistributedService& service, const std::string& token) {
  return Client(ClientOptions{service.url(), token, {}});
}

/// One job after the other until it is stopped; how long each took, from the request to "done".
class JobStream {
 public:
  JobStream(const DistributedService& service, const std::string& token, const std::filesystem::path& image)
      : client_(client_of(service, token)), object_(client_.upload(image)) {}

  std::vector<double> run_for(std::chrono::duration<double> time) {
    return run_until([end = Steady::now() + time] { return Steady::now() >= end; });
  }
  std::vector<double> run_until(const std::function<bool()>& ended) {
    std::vector<double> ms;
    while (!ended()) {
      const auto begin = Steady::now();
      const Json batch = client_.post("/v1/jobs", {{"object", object_},
                                                   {"name", "photo.png"},
                                                   {"pipeline", pipeline_of_jobs},
                                                   {"output", {{"format", "jpg"}}}});
      const std::string id = batch.at("jobs")[0].at("id");
      client_.follow("job=" + id, [](const std::string& event, const Json& job) {
        if (event == "failed" || (event == "snapshot" && job.at("state") == "failed")) {
          throw std::runtime_error("a job has failed: " + job.dump());
        }
        return event != "done" && (event != "snapshot" || job.at("state") != "done");
      });
      ms.push_back(std::chrono::duration<double, std::milli>(Steady::now() - begin).count());
    }
    return ms;
  }

 private:
  Client client_;
  std::string object_;
};

std::int64_t resident_bytes(pid_t process) {
  const std::string status = testing::read_file(fmt::format("/proc/{}/status", process));
  const std::size_t at = status.find("VmRSS:");
  return at == std::string::npos ? 0 : std::stoll(status.substr(at + 6)) * 1024;
}

/// The gateway's own time and memory, and those of the processes that decode for it.
struct GatewayUse {
  double gateway_s = 0;
  double workers_s = 0;
  std::int64_t gateway_bytes = 0;
  std::int64_t workers_bytes = 0;
};

GatewayUse use_of(pid_t gateway) {
  GatewayUse use;
  use.gateway_bytes = resident_bytes(gateway);
  for (const auto& [pid, process] : all_processes()) {
    if (pid == gateway) {
      use.gateway_s = process.seconds - process.of_ended_children;
      use.workers_s += process.of_ended_children;
    } else if (process.parent == gateway) {
      use.workers_s += process.seconds;
      use.workers_bytes += resident_bytes(pid);
    }
  }
  return use;
}

double own_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

json times(const std::vector<double>& ms) {
  if (ms.empty()) {
    return {{"count", 0}};
  }
  json told = percentiles(ms);
  told["count"] = ms.size();
  return told;
}

json load(const Options& options) {
  const testing::ServerFolder folder;
  const auto file = [&](const char* name) { return folder.path() / name; };
  const auto make = [&](std::int64_t side, const std::filesystem::path& result, bool pyramid) {
    Command words{TESSERA_PROGRAM, "apply", fmt::format("resize width={0} height={0} fit=fill", side),
                  options.photo,   "-o",    result.string()};
    if (pyramid) {
      words.emplace_back("--pyramid");
    }
    static_cast<void>(output_of(words, folder.path()));
  };
  make(options.side_px, file("large.tif"), true);
  make(options.job_side_px, file("photo.png"), false);

  DistributedService service("file://" + file("objects").string(),
                             {"--link-secret", "a secret of the measuring program", "--view-processes",
                              std::to_string(options.view_processes)});
  std::vector<ViewedPicture> pictures;
  for (int owner = 0; owner < options.owners; ++owner) {
    const std::string token = add_owner(service, fmt::format("owner-{}", owner));
    pictures.push_back(
        {client_of(service, token).upload(file("large.tif")), token, {options.side_px, options.side_px}});
  }
  JobStream jobs(service, add_owner(service, "jobs"), file("photo.png"));
  const auto alone = jobs.run_for(std::chrono::duration<double>(options.alone_s));

  CrowdOptions crowd_options = options.crowd;
  crowd_options.port = service.gateway_port();
  ViewerCrowd crowd(crowd_options, pictures);
  const pid_t gateway = service.gateway().pid();
  const GatewayUse before = use_of(gateway);
  const double own_before = own_seconds();
  const double machine_before = machine_busy_seconds();
  const auto begin = Steady::now();
  GatewayUse most;
  std::vector<double> beside;
  CrowdReport report;
  {
    std::exception_ptr failure;
    std::jthread at_jobs([&](const std::stop_token& stop) {
      try {
        beside = jobs.run_until([&] { return stop.stop_requested(); });
      } catch (...) {
        failure = std::current_exception();
      }
    });
    std::jthread samples([&](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        const GatewayUse now = use_of(gateway);
        most.gateway_bytes = std::max(most.gateway_bytes, now.gateway_bytes);
        most.workers_bytes = std::max(most.workers_bytes, now.workers_bytes);
        std::this_thread::sleep_for(std::chrono::milliseconds(500));
      }
    });
    report = crowd.run();
    samples.request_stop();
    at_jobs.request_stop();
    samples.join();
    at_jobs.join();
    if (failure) {
      std::rethrow_exception(failure);
    }
  }
  const double wall = std::chrono::duration<double>(Steady::now() - begin).count();
  const GatewayUse after = use_of(gateway);
  for (const auto& [status, count] : report.refusals) {
    if (status != 429 && status != 503) {
      throw std::runtime_error(fmt::format("{} requests were answered with {}", count, status));
    }
  }
  if (report.settled.cached_ms.empty() || report.open_ms.empty()) {
    throw std::runtime_error("no viewer has got a tile");
  }
  json refusals = json::object();
  for (const auto& [status, count] : report.refusals) {
    refusals[std::to_string(status)] = count;
  }
  return {
      {"viewers", options.crowd.viewers},
      {"connections_each", options.crowd.connections},
      {"owners", options.owners},
      {"picture_side_px", options.side_px},
      {"seconds", wall},
      {"cached_tiles", times(report.settled.cached_ms)},
      {"cached_tiles_from_request", times(report.settled.cached_answer_ms)},
      {"new_tiles", times(report.settled.new_ms)},
      {"while_they_come",
       {{"cached_tiles", times(report.settling.cached_ms)}, {"new_tiles", times(report.settling.new_ms)}}},
      {"opening_a_view", times(report.open_ms)},
      {"refusals", refusals},
      {"tiles_overtaken", report.overtaken},
      {"broken_connections", report.broken},
      {"different_tiles", report.different_tiles},
      {"megabytes", report.bytes / 1'000'000},
      {"gateway",
       {{"cores", (after.gateway_s - before.gateway_s) / wall},
        {"most_megabytes", most.gateway_bytes / 1'000'000}}},
      {"view_workers",
       {{"cores", (after.workers_s - before.workers_s) / wall},
        {"most_megabytes", most.workers_bytes / 1'000'000}}},
      {"viewers_cores", (own_seconds() - own_before) / wall},
      {"machine_busy_cores", (machine_busy_seconds() - machine_before) / wall},
      {"job_alone", times(alone)},
      {"job_beside_viewers", times(beside)}};
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app{"Loads a gateway with viewers of large pictures, and tells how long they wait."};
  app.add_option("PHOTO", options.photo, "What the pictures are made of")
      ->required()
      ->check(CLI::ExistingFile);
  app.add_option("--viewers", options.crowd.viewers)->check(CLI::Range(1, 10'000))->capture_default_str();
  app.add_option("--connections", options.crowd.connections, "Of each viewer, at most")
      ->check(CLI::Range(1, 200))
      ->capture_default_str();
  app.add_option("--owners", options.owners, "Each with a picture")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  app.add_option("--arrival", options.arrival_s, "Seconds in which the viewers come")->capture_default_str();
  app.add_option("--settling", options.settling_s, "Seconds whose times are told apart")
      ->capture_default_str();
  app.add_option("--seconds", options.seconds, "In all, from the first viewer on")->capture_default_str();
  app.add_option("--alone", options.alone_s, "Seconds of jobs without viewers, before")
      ->capture_default_str();
  app.add_option("--side", options.side_px, "Pixels of a picture's side")->capture_default_str();
  app.add_option("--job-side", options.job_side_px, "Pixels of the side of a job's image")
      ->capture_default_str();
  app.add_option("--view-processes", options.view_processes, "Of the gateway")->capture_default_str();
  app.add_option("--seed", options.crowd.seed)->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  options.crowd.arrival = std::chrono::duration<double>(options.arrival_s);
  options.crowd.settling = std::chrono::duration<double>(options.settling_s);
  options.crowd.duration = std::chrono::duration<double>(options.seconds);
  try {
    const auto files = static_cast<std::size_t>(2 * options.crowd.viewers * options.crowd.connections + 1000);
    if (!testing::allow_open_files(files)) {
      throw std::runtime_error(
          fmt::format("the hard limit of open files is below {}: raise it, or give fewer --viewers", files));
    }
    std::cout << load(options).dump(1) << '\n';
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "viewer_load: {}\n", error.what());
    return 1;
  }
}
