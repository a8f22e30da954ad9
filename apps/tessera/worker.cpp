// A rank of a processing node: waits for images to process, alone or together with the other ranks, until the
// node whose address is in the environment says so. If the node goes away, the process ends at once.
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>

#include "comm/mpi.hpp"
#include "command.hpp"
#include "core/error.hpp"
#include "plan/pipeline.hpp"
#include "plan/plan.hpp"
#include "process_image.hpp"
#include "ranks/json_channel.hpp"
#include "report.hpp"

namespace tessera::cli {
namespace {

constexpr std::chrono::seconds between_signs_of_life{1};
constexpr std::chrono::milliseconds between_progress{100};
constexpr int exit_without_node = 9;
constexpr int exit_without_group = 10;

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  if (value == nullptr) {
    throw Error(ErrorCode::usage, fmt::format("'tessera worker' is started by 'tessera node', which sets "
                                              "{}: start that instead.",
                                              name));
  }
  return value;
}

std::int64_t memory_bytes() {
  std::int64_t total_pages = 0;
  std::int64_t resident_pages = 0;
  std::ifstream("/proc/self/statm") >> total_pages >> resident_pages;
  return resident_pages * ::sysconf(_SC_PAGESIZE);
}

ApplyOptions options_from(const Json& task) {
  ApplyOptions options;
  const Json& output = task.at("output_options");
  options.format = output.value("format", "");
  options.quality = output.value("quality", 0);
  options.strip = output.value("strip", false);
  options.read.salvage = output.value("salvage", false);
  options.read.keep_metadata = !options.strip;
  options.limits = limits_from_json(task.at("limits"));
  options.read.limits = options.limits;
  return options;
}

/// People know their file by its own name, not by the node's.
std::string with_name(std::string sentence, const std::string& path, const std::string& name) {
  for (std::size_t at = 0; (at = sentence.find(path, at)) != std::string::npos; at += name.size()) {
    sentence.replace(at, path.size(), name);
  }
  return sentence;
}

class Worker {
 public:
  explicit Worker(Communicator& world)
      : world_(world),
        secret_(environment(worker_secret_variable)),
        channel_(connect_to(environment(worker_address_variable))) {}

  int run() {
    channel_.send({{"tell", "hello"},
                   {"rank", world_.rank()},
                   {"ranks", world_.size()},
                   {"location", world_.location()},
                   {"pid", ::getpid()},
                   {"secret", secret_}});
    const std::jthread signs([this](const std::stop_token& stop) { give_signs_of_life(stop); });
    const std::jthread listener([this] { listen(); });
    while (const std::optional<Json> task = next_task()) {
      process(*task);
    }
    return 0;
  }

 private:
  void listen() {
    while (const std::optional<Json> message = channel_.receive()) {
      const std::lock_guard lock(mutex_);
      const std::string what = message->value("do", "");
      if (what == "process") {
        tasks_.push_back(*message);
      } else if (what == "cancel") {
        cancel(message->at("ticket"));
      } else if (what == "end") {
        ended_ = true;
      }
      changed_.notify_all();
      if (ended_) {
        return;
      }
    }
    std::_Exit(exit_without_node);
  }

  /// Under mutex_. One that has not begun is cancelled when it begins: with several ranks all must begin.
  void cancel(std::int64_t ticket) {
    cancelled_ = ticket;
    if (ticket == current_) {
      stop_.request_stop();
    }
  }

  void give_signs_of_life(const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    while (!stop.stop_requested()) {
      channel_.send({{"tell", "alive"}, {"memory_bytes", memory_bytes()}});
      wake.wait_for(lock, stop, between_signs_of_life, [] { return false; });
    }
  }

  std::optional<Json> next_task() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return ended_ || !tasks_.empty(); });
    if (tasks_.empty()) {
      return std::nullopt;
    }
    Json task = std::move(tasks_.front());
    tasks_.pop_front();
    current_ = task.at("ticket");
    stop_ = std::stop_source();
    if (cancelled_ == current_) {
      stop_.request_stop();
    }
    return task;
  }

  void process(const Json& task) {
    const bool split = task.at("split");
    const auto solo = split ? nullptr : make_solo();
    Communicator& comm = split ? world_ : *solo;
    Json answer{{"tell", "failed"}, {"ticket", task.at("ticket")}};
    bool together_still = true;
    const auto fail = [&](ErrorCode code, const std::string& sentence) {
      answer["code"] = meaning(code).name;
      answer["sentence"] = with_name(sentence, task.at("input"), task.at("name"));
      together_still = code != ErrorCode::rank_lost;
    };
    try {
      const ImageReport report = process_on(comm, task);
      answer["tell"] = "done";
      answer["result"] = json_report(report);
    } catch (const Error& error) {
      fail(error.code(), error.what());
    } catch (const std::bad_alloc&) {
      fail(ErrorCode::limit_exceeded, "Memory ran out on the node: send a smaller image.");
      together_still = !split;
    } catch (const std::exception& error) {
      fail(ErrorCode::internal, fmt::format("Internal error: {}", error.what()));
      together_still = !split;
    }
    const std::lock_guard lock(mutex_);
    current_ = 0;
    channel_.send(answer);
    if (!together_still) {
      std::_Exit(exit_without_group);  // the other ranks may be waiting: the node starts the group afresh
    }
  }

  ImageReport process_on(Communicator& comm, const Json& task) {
    ImageReport report;
    report.item = {task.at("input"), task.at("output")};
    RunOptions run;
    run.threads = task.at("threads");
    {
      const std::lock_guard lock(mutex_);
      run.stop = stop_.get_token();
    }
    // A job that is done within the interval says only that: each message becomes a change of the job.
    auto last = std::chrono::steady_clock::now();
    run.progress = [&](const Progress& progress) {
      const auto now = std::chrono::steady_clock::now();
      if (now - last >= between_progress) {
        last = now;
        channel_.send({{"tell", "progress"},
                       {"ticket", task.at("ticket")},
                       {"fraction", progress.fraction},
                       {"stage", fmt::format("stage {} of {}", progress.stage + 1, progress.stages)}});
      }
    };
    const ApplyOptions options = options_from(task);
    const auto plan_for = [&](const ImageInfo& in) {
      return make_plan(build_pipeline(parse_pipeline(task.at("pipeline").dump())), in,
                       plan_limits(options.limits));
    };
    process_image(comm, options, plan_for, run, world_.size(), report);
    return report;
  }

  Communicator& world_;
  std::string secret_;
  JsonChannel channel_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Json> tasks_;  ///< guarded by mutex_, as all below
  std::stop_source stop_;
  std::int64_t current_ = 0;  ///< ticket; 0: none
  std::int64_t cancelled_ = 0;
  bool ended_ = false;
};

}  // namespace

Command add_worker(CLI::App& program) {
  CLI::App* app = program.add_subcommand("worker", "A rank of 'tessera node', which starts it");
  app->group("");  // not for people
  return {app, [] {
            const auto world = started_by_mpi() ? make_mpi() : make_solo();
            return Worker(*world).run();
          }};
}

}  // namespace tessera::cli
