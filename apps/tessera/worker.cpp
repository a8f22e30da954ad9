// SPDX-License-Identifier: Apache-2.0
// A rank of a processing node: waits for images to process, alone or together with the other ranks, until the
// node whose address is in the environment says so. If the node goes away, the process ends. Images come from
// anybody, so it has few rights: see ranks/sandbox.hpp.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>

#include "base/error.hpp"
#include "base/machine.hpp"
#include "base/printable.hpp"
#include "codec/vips/vips.hpp"
#include "comm/mpi.hpp"
#include "command.hpp"
#include "engine/findings.hpp"
#include "granted_input.hpp"
#include "granted_parts.hpp"
#include "plan/pipeline.hpp"
#include "process/host_share.hpp"
#include "process/process.hpp"
#include "ranks/channel.hpp"
#include "ranks/messages.hpp"
#include "ranks/sandbox.hpp"
#include "ranks/transfer.hpp"

namespace tessera::cli {
namespace {

constexpr std::chrono::seconds between_signs_of_life{1};
constexpr std::chrono::milliseconds between_progress{100};
// Well below what a message may carry: bytes that are no text grow when they are written as JSON.
constexpr std::size_t max_failure_bytes = 4096;
constexpr int exit_without_node = 9;
constexpr int exit_without_group = 10;
/// Ranges of an object that are read at a time.
constexpr int transfer_lanes = 4;

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

/// What a rank is given at its start, before it takes foreign bytes.
struct Station {
  std::string address = environment(worker_address_variable);
  std::string secret = environment(worker_secret_variable);
  std::filesystem::path folder = environment(worker_folder_variable);
  SandboxMode sandbox = SandboxMode::automatic;

  Station() {
    const std::string mode = environment(worker_sandbox_variable);
    const auto known = sandbox_mode_named(mode);
    if (!known) {
      throw Error(ErrorCode::usage,
                  fmt::format("{}: '{}' is not auto, require or off.", worker_sandbox_variable, mode));
    }
    sandbox = *known;
    forget_environment(worker_secret_variable);
  }
};

/// A task, with the file that came with it.
struct Work {
  ProcessTask task;
  FileDescriptor file;
};

class Worker {
 public:
  Worker(Communicator& world, TransferLanes& lanes, FileDescriptor socket, const HostShare& host,
         std::int64_t memory_bytes)
      : world_(world),
        lanes_(lanes),
        host_(host),
        memory_bytes_(memory_bytes),
        channel_(std::move(socket), RankChannel::Files::accepted) {}

  int run(const Hello& hello) {
    tell(hello);
    const std::jthread signs([this](const std::stop_token& stop) { give_signs_of_life(stop); });
    const std::jthread listener([this] { listen(); });
    while (const std::optional<Work> work = next_work()) {
      process(*work);
    }
    return 0;
  }

 private:
  void tell(const RankMessage& message) { channel_.send(to_line(message)); }

  void listen() {
    try {
      while (const std::optional<std::string> line = channel_.receive()) {
        NodeMessage message = node_message(*line);
        const std::lock_guard lock(mutex_);
        if (auto* const task = std::get_if<ProcessTask>(&message)) {
          FileDescriptor file = task->attached ? channel_.next_attached() : FileDescriptor();
          work_.push_back({std::move(*task), std::move(file)});
        } else if (const auto* const cancelled = std::get_if<Cancel>(&message)) {
          cancel(cancelled->ticket);
        } else if (auto* const links = std::get_if<PartLinks>(&message)) {
          part_links_ = std::move(*links);
        } else {
          ended_ = true;
        }
        changed_.notify_all();
        if (ended_) {
          return;
        }
      }
    } catch (const std::exception& error) {
      fmt::print(stderr, "tessera: {}\n", printable(error.what()));  // which the node keeps
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
      tell(Alive{memory_bytes()});
      wake.wait_for(lock, stop, between_signs_of_life, [] { return false; });
    }
  }

  std::optional<Work> next_work() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return ended_ || !work_.empty(); });
    if (work_.empty()) {
      return std::nullopt;
    }
    std::optional<Work> work(std::move(work_.front()));
    work_.pop_front();
    current_ = work->task.ticket;
    stop_ = std::stop_source();
    if (cancelled_ == current_) {
      stop_.request_stop();
    }
    return work;
  }

  void process(const Work& work) {
    const ProcessTask& task = work.task;
    const auto solo = task.split ? nullptr : make_solo();
    Communicator& comm = task.split ? world_ : *solo;
    std::string answer;
    bool together_still = true;
    const auto fail = [&](ErrorCode code, const std::string& sentence) {
      answer = to_line(RankMessage(
          Failed{task.ticket, std::string(meaning(code).name), sentence.substr(0, max_failure_bytes)}));
      together_still = code != ErrorCode::rank_lost;
    };
    try {
      answer = to_line(RankMessage(process_on(comm, work)));
      check(answer);
    } catch (const Error& error) {
      fail(error.code(), error.what());
    } catch (const std::bad_alloc&) {
      fail(ErrorCode::limit_exceeded, "Memory ran out on the node: send a smaller image.");
      together_still = !task.split;
    } catch (const std::exception& error) {
      fail(ErrorCode::internal, fmt::format("Internal error: {}", error.what()));
      together_still = !task.split;
    }
    const std::lock_guard lock(mutex_);
    current_ = 0;
    channel_.send(answer);
    if (!together_still) {
      std::_Exit(exit_without_group);  // the other ranks may be waiting: the node starts the group afresh
    }
  }

  /// Of parts of the current task's result.
  std::vector<std::string> ask_for_links(std::int64_t ticket, std::int64_t first, std::int64_t count) {
    tell(PartLinksWanted{ticket, first, count});
    std::unique_lock lock(mutex_);
    changed_.wait(lock,
                  [&] { return stop_.stop_requested() || (part_links_ && part_links_->ticket == ticket); });
    if (!part_links_ || part_links_->ticket != ticket) {
      throw Error(ErrorCode::cancelled, "Stopped while the result was being uploaded.");
    }
    const PartLinks links = *std::exchange(part_links_, std::nullopt);
    if (const auto failure = error_code_named(links.code)) {
      throw Error(*failure, links.sentence);
    }
    if (std::ssize(links.grants) != count) {
      throw Error(ErrorCode::rank_lost,
                  "The node has granted another number of parts than it was asked for.");
    }
    return links.grants;
  }

  static Done done(const ProcessTask& task, const ProcessReport& report) {
    Done done;
    done.ticket = task.ticket;
    done.width_px = report.out.extent.width;
    done.height_px = report.out.extent.height;
    done.seconds = report.seconds;
    done.ranks = std::max(1, static_cast<int>(report.run.ranks.size()));
    done.findings = findings_json(report.run.findings);
    done.warnings = report.run.warnings;
    return done;
  }

  /// The node ends ranks that send more than it takes.
  static void check(const std::string& answer) {
    constexpr std::size_t certainly_taken = 1 << 16;
    if (answer.size() <= certainly_taken) {
      return;
    }
    try {
      if (answer.size() <= max_message_bytes) {
        static_cast<void>(rank_message(std::string_view(answer).substr(0, answer.size() - 1)));
        return;
      }
    } catch (const Error&) {
    }
    throw Error(
        ErrorCode::limit_exceeded,
        fmt::format("The findings are {} bytes long, more than a result may carry ({}): choose stricter "
                    "parameters, so that less is found.",
                    answer.size(), max_message_bytes));
  }

  Done process_on(Communicator& comm, const Work& work) {
    const ProcessTask& task = work.task;
    if (task.attached && !work.file) {
      throw Error(ErrorCode::io,
                  fmt::format("The image '{}' cannot be opened: no file came with it.", task.name),
                  task.name);
    }
    ProcessContext context{comm, task.threads > 0 ? task.threads : host_.threads, host_.ranks};
    {
      const std::lock_guard lock(mutex_);
      context.stop = stop_.get_token();
    }
    // A job that is done within the interval says only that: each message becomes a change of the job.
    auto last = std::chrono::steady_clock::now();
    context.progress = [&](const Progress& progress) {
      const auto now = std::chrono::steady_clock::now();
      if (now - last >= between_progress) {
        last = now;
        tell(TaskProgress{task.ticket, std::clamp(progress.fraction, 0.0, 1.0),
                          fmt::format("stage {} of {}", progress.stage + 1, progress.stages)});
      }
    };
    ProcessOptions options{output_options_from_json(task.output_options, "The job's output"),
                           limits_from_json(task.limits)};
    if (options.limits.max_memory_bytes == 0) {
      options.limits.max_memory_bytes = memory_bytes_;
    }
    // People know their file by its own name, not by the node's.
    ImageInput input{InputFile{task.input}, task.name};
    if (!task.grant.empty()) {
      input.from = std::make_shared<const InputObject>([&, stop = context.stop] {
        return open_granted(lanes_, task.grant, task.name, work.file.get(), stop);
      });
    } else if (task.attached) {
      input.from = InputDescriptor{work.file.get()};
    }
    GrantedParts parts(
        lanes_,
        [&](std::int64_t first, std::int64_t count) { return ask_for_links(task.ticket, first, count); },
        context.stop);
    ImageOutput output{OutputFile{task.output}, "the result"};
    if (task.parts) {
      output.to = OutputParts{task.output, &parts};
    }
    Done answer = done(task, process_image(input, output, build_pipeline(pipeline_from_json(task.pipeline)),
                                           options, context));
    answer.uploaded_parts = parts.uploaded();
    return answer;
  }

  Communicator& world_;
  TransferLanes& lanes_;
  HostShare host_;
  std::int64_t memory_bytes_;  ///< that a task may need where its limits do not say
  RankChannel channel_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Work> work_;  ///< guarded by mutex_, as all below
  std::stop_source stop_;
  std::int64_t current_ = 0;  ///< ticket; 0: none
  std::int64_t cancelled_ = 0;
  std::optional<PartLinks> part_links_;  ///< the newest
  bool ended_ = false;
};

/// Connects and starts MPI with all rights, and gives them up before it takes an image.
int work() {
  const Station station;
  TransferLanes lanes(std::filesystem::read_symlink("/proc/self/exe"), transfer_lanes);
  forget_environment(transfer_key_variable);
  std::ranges::for_each(transfer_variables, forget_environment);
  const bool mpi = started_by_mpi();
  const auto world = mpi ? make_mpi() : make_solo();
  const HostShare host = share_of_host(*world, 0);
  const std::int64_t memory = share_of_memory(usable_memory_bytes(), host.ranks);
  FileDescriptor socket = connect_to(station.address);
  Hello hello;
  hello.rank = world->rank();
  hello.ranks = world->size();
  hello.location = world->location();
  hello.pid = ::getpid();
  hello.secret = station.secret;
  std::error_code ignored;
  hello.shares_files = std::filesystem::is_directory(station.folder, ignored);
  const SandboxNeeds needs{station.folder / worker_results_folder,
                           [&] {
                             auto readable = vips_module_places();
                             readable.push_back(station.folder / worker_inputs_folder);
                             return readable;
                           }(),
                           mpi};
  hello.unconfined = enter_sandbox(needs, station.sandbox);
  return Worker(*world, lanes, std::move(socket), host, memory).run(hello);
}

}  // namespace

Command add_worker(CLI::App& program) {
  CLI::App* app = program.add_subcommand("worker", "A rank of 'tessera node', which starts it");
  app->group("");  // not for people
  return {app, work};
}

}  // namespace tessera::cli
