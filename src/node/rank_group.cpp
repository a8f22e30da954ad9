// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

#include "base/error.hpp"
#include "base/system.hpp"
#include "net/backoff.hpp"
#include "node/rank_group_state.hpp"
#include "node/rank_handshake.hpp"
#include "node/rank_process.hpp"
#include "ranks/mpirun.hpp"
#include "ranks/transfer.hpp"

namespace tessera {
namespace {

using std::chrono::steady_clock;
using Time = steady_clock::time_point;

/// mpirun gives the best reason for a rank's death; wait this long for its output after a connection was
/// lost.
constexpr std::chrono::seconds mpirun_message_timeout{3};
constexpr std::chrono::milliseconds health_interval{500};
constexpr std::chrono::seconds refusal_log_interval{60};
/// A rank that does not read for this long has stopped.
constexpr std::chrono::seconds send_timeout{5};
constexpr std::size_t secret_bytes = 24;

/// Explains the end of a worker that ran without mpirun.
std::string explain_end(int status, const std::string& output) {
  const std::size_t end = output.find_last_not_of('\n');
  const std::string last =
      end == std::string::npos ? "" : output.substr(output.find_last_of('\n', end) + 1, 300);
  const std::string how = WIFSIGNALED(status) ? fmt::format("died of signal {} ({})", WTERMSIG(status),
                                                            ::strsignal(WTERMSIG(status)))
                                              : fmt::format("ended with {}", WEXITSTATUS(status));
  return fmt::format("The worker process {}{}.", how, last.empty() ? "" : " and printed: " + last);
}

namespace fs = std::filesystem;

/// Empties the folder at the start of a life: it may contain files of killed or hostile ranks.
void make_empty(const fs::path& folder) {
  std::error_code failure;
  fs::remove_all(folder, failure);
  if (!failure) {
    fs::create_directories(folder, failure);
  }
  if (failure) {
    throw Error(ErrorCode::io,
                fmt::format("Cannot create the folder '{}': {}.", folder.string(), failure.message()));
  }
}

}  // namespace

/// One life of the group: from starting the processes to their end.
struct RankGroup::Process {
  Process(const std::string& address, std::string secret, std::atomic<std::int64_t>& refused)
      : listener(address), handshake(listener, std::move(secret), refused) {}
  Listener listener;
  RankHandshake handshake;
  std::unique_ptr<RankProcess> process;
  Time started = steady_clock::now();
  Time lost_connection = Time::max();
};

RankGroup::RankGroup(RankGroupOptions options)
    : options_(std::move(options)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!wake_) {
    throw Error(ErrorCode::io, fmt::format("Cannot create an eventfd: {}.", std::strerror(errno)));
  }
  if (!options_.log) {
    options_.log = [](const std::string&) {};
  }
  supervisor_ = std::jthread([this](const std::stop_token& stop) { supervise(stop); });
}

RankGroup::~RankGroup() { end(); }

void RankGroup::end() {
  if (supervisor_.joinable()) {
    supervisor_.request_stop();
    wake();
    supervisor_.join();
  }
}

void RankGroup::wake() const {
  const std::uint64_t one = 1;
  static_cast<void>(::write(wake_.get(), &one, sizeof one));
}

void RankGroup::supervise(const std::stop_token& stop) {
  Backoff pause(options_.first_pause, options_.max_pause);
  while (!stop.stop_requested()) {
    std::string reason;
    try {
      reason = run_once(stop);
    } catch (const std::exception& error) {
      reason = error.what();
    }
    const bool was_ready = end_life(reason);
    if (stop.stop_requested()) {
      return;
    }
    if (was_ready) {
      pause.reset();
    }
    const auto wait = std::max(options_.first_pause, pause.next());
    options_.log(fmt::format("The ranks ended and will be restarted in {} ms. {}", wait.count(), reason));
    std::unique_lock lock(mutex_);
    ++restarts_;
    changed_.wait_for(lock, stop, wait, [] { return false; });
  }
}

std::string RankGroup::run_once(const std::stop_token& stop) {
  const std::string secret = random_hex(secret_bytes);
  const std::string transfer_key = random_hex(secret_bytes);
  const fs::path folder = options_.scratch / ranks_folder;
  make_empty(folder / worker_results_folder);
  std::error_code ignored;  // copying an image to it will report the error
  fs::create_directories(folder / worker_inputs_folder, ignored);
  Process life(options_.hostfile.empty() ? "unix:" + (options_.scratch / "ranks.socket").string()
                                         : "tcp:" + options_.address + ":0",
               secret, refused_connections_);
  {
    const std::lock_guard lock(mutex_);
    ++life_;
    kill_reason_.clear();
    transfer_key_ = transfer_key;
    ranks_.assign(static_cast<std::size_t>(options_.ranks), {});
  }
  std::vector<std::pair<std::string, std::string>> additions{
      {worker_address_variable, life.listener.address()},
      {worker_secret_variable, secret},
      {transfer_key_variable, transfer_key},
      {worker_folder_variable, folder.string()},
      {worker_sandbox_variable, std::string(name_of(options_.sandbox))}};
  for (const char* const name : transfer_variables) {
    if (const char* const value = std::getenv(name); value != nullptr) {
      additions.emplace_back(name, value);
    }
  }
  std::vector<std::string> command{options_.program.string(), "worker"};
  if (options_.ranks > 1) {
    MpirunOptions mpirun{options_.ranks, options_.hostfile, {}};
    for (const auto& [name, value] : additions) {
      mpirun.variables.push_back(name);
    }
    command = mpirun_command(mpirun, command);
    if (options_.sandbox != SandboxMode::off) {
      // Ranks that may not read each other's memory transfer large messages in pieces.
      additions.emplace_back("OMPI_MCA_btl_vader_single_copy_mechanism", "none");
    }
  }
  life.process =
      std::make_unique<RankProcess>(command, mpirun_environment(environment_for_ranks(), additions));
  supervise_once(life, stop);
  end_process(*life.process);
  const int status = life.process->wait();
  life.process->read_messages();
  const std::lock_guard lock(mutex_);
  if (!kill_reason_.empty()) {
    return kill_reason_;
  }
  return options_.ranks > 1 ? explain_lost_ranks(life.process->messages(), status)
                            : explain_end(status, life.process->messages());
}

void RankGroup::supervise_once(Process& life, const std::stop_token& stop) {
  bool messages_open = true;
  while (!stop.stop_requested()) {
    std::vector<pollfd> waits{{life.process->end_descriptor(), POLLIN, 0},
                              {messages_open ? life.process->message_descriptor() : -1, POLLIN, 0},
                              {wake_.get(), POLLIN, 0}};
    life.handshake.add_to(waits);
    const auto wait = std::min(health_interval, life.handshake.time_left());
    if (::poll(waits.data(), waits.size(), static_cast<int>(wait.count())) < 0) {
      continue;
    }
    if (waits[2].revents != 0) {
      std::uint64_t count = 0;
      static_cast<void>(::read(wake_.get(), &count, sizeof count));
    }
    if (waits[1].revents != 0) {
      messages_open = life.process->read_messages();
    }
    accept_ranks(life.handshake);
    if (waits[0].revents != 0) {
      return;
    }
    const std::lock_guard lock(mutex_);
    check_health(life);
    if (!kill_reason_.empty()) {
      return;
    }
  }
}

/// Adds authenticated ranks.
void RankGroup::accept_ranks(RankHandshake& handshake) {
  const std::int64_t refused = refused_connections_;
  for (RankHandshake::AcceptedRank& accepted_rank : handshake.serve()) {
    auto channel = std::make_shared<RankChannel>(std::move(accepted_rank.socket), RankChannel::Files::refused,
                                                 std::move(accepted_rank.received));
    channel->limit_sending(send_timeout);
    add_rank(std::move(accepted_rank.hello), std::move(channel));
  }
  if (refused_connections_ > refused) {
    note_refusals(handshake);
  }
}

void RankGroup::add_rank(Hello hello, std::shared_ptr<RankChannel> channel) {
  const std::lock_guard lock(mutex_);
  const int rank = hello.rank;
  if (hello.ranks != options_.ranks || rank >= options_.ranks ||
      ranks_[static_cast<std::size_t>(rank)].channel != nullptr) {
    kill_reason_ = fmt::format("A process identified itself as rank {} of {}, which is not expected.", rank,
                               hello.ranks);
    return;
  }
  note_sandbox(hello);
  ranks_[static_cast<std::size_t>(rank)] = {
      channel, hello.location, hello.pid, 0, steady_clock::now(), hello.shares_files, 0};
  channels_.push_back(channel);
  listeners_.emplace_back([this, channel, rank, life = life_] { listen_to(*channel, rank, life); });
  ready_ = std::ranges::all_of(ranks_, [](const Rank& other) { return other.channel != nullptr; });
  if (ready_ && !ranks_.front().shares_files) {
    // Rank 0 opens the image and writes the result for all ranks.
    kill_reason_ = fmt::format(
        "Rank 0 on {} cannot access the folder '{}'. Begin the hostfile with this host, or choose a folder "
        "shared by all hosts with --scratch.",
        ranks_.front().location, options_.scratch.string());
    ready_ = false;
  }
  if (ready_) {
    was_ready_ = life_;
    options_.log(fmt::format("{} ranks are ready", options_.ranks));
  }
  changed_.notify_all();
}

/// Runs on a thread for each rank.
void RankGroup::listen_to(RankChannel& channel, int rank, std::uint64_t life) {
  std::string reason;
  try {
    while (const auto line = channel.receive()) {
      handle_message(rank, life, rank_message(*line));
    }
  } catch (const std::exception& error) {
    reason = error.what();
  }
  const std::lock_guard lock(mutex_);
  if (life == life_) {
    if (!reason.empty() && kill_reason_.empty()) {
      kill_reason_ = fmt::format("Rank {} was stopped. {}", rank, reason);
    }
    ranks_[static_cast<std::size_t>(rank)].channel = nullptr;
    ready_ = false;
  }
  wake();
}

/// Logged once, because every rank of every life would report the same. Requires mutex_.
void RankGroup::note_sandbox(const Hello& hello) {
  if (!hello.unconfined.empty() && !sandbox_noted_) {
    sandbox_noted_ = true;
    options_.log(fmt::format("Rank {} on {} runs without parts of the sandbox: {}", hello.rank,
                             hello.location, fmt::join(hello.unconfined, "; ")));
  }
}

/// Rate-limited: foreign connections must not fill the log.
void RankGroup::note_refusals(const RankHandshake& handshake) {
  const Time now = steady_clock::now();
  if (now >= next_refusal_note_) {
    next_refusal_note_ = now + refusal_log_interval;
    options_.log(
        fmt::format("Connections to the ranks' address were refused ({} so far), the last one because {}",
                    refused_connections_.load(), handshake.last_reason()));
  }
}

/// Fails a task that uses too much memory; its group must be restarted. Requires mutex_.
void RankGroup::check_memory(Rank& own, int rank) {
  if (options_.max_memory_bytes == 0 || own.memory_bytes <= options_.max_memory_bytes) {
    return;
  }
  kill_reason_ = fmt::format("Rank {} used {} bytes of memory; the limit is {}.", rank, own.memory_bytes,
                             options_.max_memory_bytes);
  if (const auto found = running_.find(own.ticket); found != running_.end()) {
    RankOutcome& outcome = found->second->outcome;
    outcome.end = RankOutcome::End::failed;
    outcome.code = meaning(ErrorCode::limit_exceeded).name;
    outcome.sentence = fmt::format(
        "The job took {} bytes of memory on rank {}; the limit is {}. Use a smaller image or ask for a node "
        "with more memory.",
        own.memory_bytes, rank, options_.max_memory_bytes);
    found->second->finished = true;
    changed_.notify_all();
  }
  wake();
}

/// Requires mutex_.
void RankGroup::check_health(Process& life) {
  const Time now = steady_clock::now();
  if (!kill_reason_.empty()) {
    return;
  }
  for (std::size_t rank = 0; rank < ranks_.size(); ++rank) {
    if (ranks_[rank].channel && now - ranks_[rank].last_heartbeat > options_.silence_limit) {
      kill_reason_ =
          fmt::format("Rank {} on {} did not respond for {} s.", rank, ranks_[rank].location,
                      std::chrono::duration_cast<std::chrono::seconds>(options_.silence_limit).count());
      return;
    }
  }
  if (ready_) {
    return;
  }
  if (was_ready_ == life_) {
    life.lost_connection = std::min(life.lost_connection, now);
    if (now - life.lost_connection > mpirun_message_timeout) {
      kill_reason_ = "The connection to a rank was lost.";
    }
  } else if (now - life.started > options_.start_limit) {
    kill_reason_ =
        fmt::format("The ranks were not ready {} s after they were started.",
                    std::chrono::duration_cast<std::chrono::seconds>(options_.start_limit).count());
  }
}

void RankGroup::end_process(RankProcess& process) {
  std::vector<pid_t> own_ranks;
  {
    const std::lock_guard lock(mutex_);
    const std::string here = host_name() + ":";
    for (const Rank& rank : ranks_) {
      if (rank.channel && rank.location.starts_with(here)) {
        own_ranks.push_back(rank.pid);
      }
    }
  }
  process.terminate();
  pollfd wait{process.end_descriptor(), POLLIN, 0};
  ::poll(&wait, 1, static_cast<int>(std::chrono::milliseconds(mpirun_message_timeout).count()));
  process.kill();
  // Their connections were open, so the process ids are still theirs; a stopped process reacts only to
  // SIGKILL.
  for (const pid_t pid : own_ranks) {
    ::kill(pid, SIGKILL);
  }
}

bool RankGroup::end_life(const std::string& reason) {
  std::vector<std::jthread> listeners;  // joined after the lock is released
  const std::lock_guard lock(mutex_);
  const bool was_ready = was_ready_ == life_;
  ++life_;
  ready_ = false;
  ranks_.clear();
  for (const auto& [ticket, task] : running_) {
    if (!task->finished) {
      task->outcome.end = RankOutcome::End::lost;
      task->outcome.sentence = reason;
      task->finished = true;
    }
  }
  for (const auto& channel : channels_) {
    channel->shut_down();
  }
  channels_.clear();
  listeners.swap(listeners_);
  changed_.notify_all();
  return was_ready;
}

std::vector<RankState> RankGroup::state() const {
  const std::lock_guard lock(mutex_);
  std::vector<RankState> states;
  for (std::size_t rank = 0; rank < ranks_.size(); ++rank) {
    states.push_back(
        {static_cast<int>(rank), ranks_[rank].location, ranks_[rank].memory_bytes, ranks_[rank].ticket != 0});
  }
  return states;
}

int RankGroup::restarts() const {
  const std::lock_guard lock(mutex_);
  return restarts_;
}

bool RankGroup::ready() const {
  const std::lock_guard lock(mutex_);
  return ready_;
}

}  // namespace tessera
