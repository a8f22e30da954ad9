#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "core/error.hpp"
#include "core/system.hpp"
#include "net/backoff.hpp"
#include "node/rank_group_state.hpp"
#include "node/rank_process.hpp"
#include "ranks/mpirun.hpp"

namespace tessera {
namespace {

using std::chrono::steady_clock;
using Time = steady_clock::time_point;

/// mpirun says best why a rank died; it gets this long to do so after a connection was lost.
constexpr std::chrono::seconds patience_with_mpirun{3};
constexpr int health_interval_ms = 500;
constexpr std::size_t secret_bytes = 24;

/// Of a worker that ran without mpirun.
std::string explain_end(int status, const std::string& said) {
  const std::size_t end = said.find_last_not_of('\n');
  const std::string last = end == std::string::npos ? "" : said.substr(said.find_last_of('\n', end) + 1, 300);
  const std::string how = WIFSIGNALED(status) ? fmt::format("died of signal {} ({})", WTERMSIG(status),
                                                            ::strsignal(WTERMSIG(status)))
                                              : fmt::format("ended with {}", WEXITSTATUS(status));
  return fmt::format("The rank {}{}.", how, last.empty() ? "" : " and said: " + last);
}

}  // namespace

/// One life of the group, as its keeper sees it.
struct RankGroup::Process {
  explicit Process(const std::string& address) : listener(address) {}
  Listener listener;
  std::unique_ptr<RankProcess> process;
  Time started = steady_clock::now();
  Time lost_connection = Time::max();
};

RankGroup::RankGroup(RankGroupOptions options)
    : options_(std::move(options)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  keeper_ = std::jthread([this](const std::stop_token& stop) { keep_alive(stop); });
}

RankGroup::~RankGroup() {
  end();
  ::close(wake_);
}

void RankGroup::end() {
  if (keeper_.joinable()) {
    keeper_.request_stop();
    wake();
    keeper_.join();
  }
}

void RankGroup::wake() const {
  const std::uint64_t one = 1;
  static_cast<void>(::write(wake_, &one, sizeof one));
}

void RankGroup::keep_alive(const std::stop_token& stop) {
  Backoff pause(options_.first_pause, options_.max_pause);
  while (!stop.stop_requested()) {
    std::string reason;
    try {
      reason = live(stop);
    } catch (const Error& error) {
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
    options_.log(fmt::format("The ranks ended and are started again in {} ms. {}", wait.count(), reason));
    std::unique_lock lock(mutex_);
    ++restarts_;
    changed_.wait_for(lock, stop, wait, [] { return false; });
  }
}

std::string RankGroup::live(const std::stop_token& stop) {
  const std::string secret = random_hex(secret_bytes);
  Process life(options_.hostfile.empty() ? "unix:" + (options_.scratch / "ranks.socket").string()
                                         : "tcp:" + options_.address + ":0");
  {
    const std::lock_guard lock(mutex_);
    ++life_;
    kill_reason_.clear();
    ranks_.assign(static_cast<std::size_t>(options_.ranks), {});
  }
  std::vector<std::string> command{options_.program.string(), "worker"};
  if (options_.ranks > 1) {
    command = mpirun_command(
        {options_.ranks, options_.hostfile, {worker_address_variable, worker_secret_variable}}, command);
  }
  life.process = std::make_unique<RankProcess>(
      command, mpirun_environment(
                   {{worker_address_variable, life.listener.address()}, {worker_secret_variable, secret}}));
  serve_life(life, secret, stop);
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

void RankGroup::serve_life(Process& life, const std::string& secret, const std::stop_token& stop) {
  bool messages_open = true;
  while (!stop.stop_requested()) {
    std::array<pollfd, 4> waits{
        pollfd{life.process->end_descriptor(), POLLIN, 0}, pollfd{life.listener.descriptor(), POLLIN, 0},
        pollfd{messages_open ? life.process->message_descriptor() : -1, POLLIN, 0}, pollfd{wake_, POLLIN, 0}};
    if (::poll(waits.data(), waits.size(), health_interval_ms) < 0) {
      continue;
    }
    if (waits[3].revents != 0) {
      std::uint64_t count = 0;
      static_cast<void>(::read(wake_, &count, sizeof count));
    }
    if (waits[2].revents != 0) {
      messages_open = life.process->read_messages();
    }
    if (waits[1].revents != 0) {
      if (const int connection = life.listener.accept(); connection >= 0) {
        greet(connection, secret);
      }
    }
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

/// Who connects is one of ours if it knows the secret; its thread finds that out.
void RankGroup::greet(int descriptor, const std::string& secret) {
  auto channel = std::make_shared<JsonChannel>(descriptor);
  const std::lock_guard lock(mutex_);
  channels_.push_back(channel);
  listeners_.emplace_back([this, channel, secret, life = life_] {
    const auto hello = channel->receive();
    if (!hello || hello->value("tell", "") != "hello" || hello->value("secret", "") != secret) {
      channel->shut_down();
      return;
    }
    const int rank = hello->value("rank", -1);
    {
      const std::lock_guard inner(mutex_);
      if (life != life_ || rank < 0 || rank >= options_.ranks || hello->value("ranks", 0) != options_.ranks) {
        return;
      }
      Rank& own = ranks_[static_cast<std::size_t>(rank)];
      own = {channel, hello->value("location", ""), hello->value("pid", 0), 0, steady_clock::now(), 0};
      ready_ = std::ranges::all_of(ranks_, [](const Rank& other) { return other.channel != nullptr; });
      if (ready_) {
        was_ready_ = life_;
        options_.log(fmt::format("{} ranks are ready", options_.ranks));
      }
      changed_.notify_all();
    }
    while (const auto message = channel->receive()) {
      take(rank, life, *message);
    }
    const std::lock_guard inner(mutex_);
    if (life == life_) {
      ranks_[static_cast<std::size_t>(rank)].channel = nullptr;
      ready_ = false;
    }
    wake();
  });
}

/// Under mutex_. A task that takes too much memory is refused by name; its group cannot be saved.
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

/// Under mutex_.
void RankGroup::check_health(Process& life) {
  const Time now = steady_clock::now();
  if (!kill_reason_.empty()) {
    return;
  }
  for (std::size_t rank = 0; rank < ranks_.size(); ++rank) {
    if (ranks_[rank].channel && now - ranks_[rank].last_sign > options_.silence_limit) {
      kill_reason_ =
          fmt::format("Rank {} on {} did not answer for {} s.", rank, ranks_[rank].location,
                      std::chrono::duration_cast<std::chrono::seconds>(options_.silence_limit).count());
      return;
    }
  }
  if (ready_) {
    return;
  }
  if (was_ready_ == life_) {
    life.lost_connection = std::min(life.lost_connection, now);
    if (now - life.lost_connection > patience_with_mpirun) {
      kill_reason_ = "The connection to a rank was lost.";
    }
  } else if (now - life.started > options_.start_limit) {
    kill_reason_ =
        fmt::format("The ranks were not there {} s after they were started.",
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
  process.tell_to_end();
  pollfd wait{process.end_descriptor(), POLLIN, 0};
  ::poll(&wait, 1, static_cast<int>(std::chrono::milliseconds(patience_with_mpirun).count()));
  process.kill();
  // Their connections were open, so the numbers are still theirs; a stopped process heeds nothing else.
  for (const pid_t pid : own_ranks) {
    ::kill(pid, SIGKILL);
  }
}

bool RankGroup::end_life(const std::string& reason) {
  std::vector<std::jthread> listeners;  // joined when the lock is given up
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
