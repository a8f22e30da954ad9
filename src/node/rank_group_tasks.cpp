// Tasks on the ranks: whose turn it is, what they answer, how they end.
#include <fmt/format.h>

#include <algorithm>

#include "core/error.hpp"
#include "core/machine.hpp"
#include "node/rank_group_state.hpp"

namespace tessera {
namespace {

using std::chrono::steady_clock;
using Time = steady_clock::time_point;

/// How long a cancelled task may take to stop before its group is killed.
constexpr std::chrono::seconds patience{10};

}  // namespace

void RankGroup::take(int rank, std::uint64_t life, const Json& message) {
  const std::string what = message.value("tell", "");
  std::unique_lock lock(mutex_);
  if (life != life_) {
    return;
  }
  Rank& own = ranks_[static_cast<std::size_t>(rank)];
  own.last_sign = steady_clock::now();
  if (what == "alive") {
    own.memory_bytes = message.value("memory_bytes", std::int64_t{0});
    check_memory(own, rank);
    return;
  }
  const auto found = running_.find(message.value("ticket", std::int64_t{0}));
  if (found == running_.end()) {
    return;
  }
  const std::shared_ptr<Running> task = found->second;
  if (what == "progress") {
    lock.unlock();
    const std::lock_guard telling(task->telling);
    if (task->progress != nullptr) {
      (*task->progress)(message.value("fraction", 0.0), message.value("stage", ""));
    }
    return;
  }
  own.ticket = 0;
  ++task->answers;
  // All ranks fail alike; of a success the root's report is the whole one.
  if (what == "failed") {
    task->outcome.end = RankOutcome::End::failed;
    task->outcome.code = message.value("code", "internal");
    task->outcome.sentence = message.value("sentence", "");
  } else if (what == "done" && rank == task->ranks.front()) {
    task->outcome.end = RankOutcome::End::done;
    task->outcome.result = message.at("result");
  }
  task->finished = task->answers == static_cast<int>(task->ranks.size());
  changed_.notify_all();
}

bool RankGroup::may_begin(std::uint64_t turn, Placement placement) const {
  if (!ready_ || turns_.empty() || turns_.front() != turn) {
    return false;
  }
  const auto busy = std::ranges::count_if(ranks_, [](const Rank& rank) { return rank.ticket != 0; });
  return placement == Placement::one_rank ? busy < options_.ranks && !alone_ : busy == 0;
}

RankOutcome RankGroup::run(const RankTask& task, Placement placement, const std::stop_token& stop,
                           const std::function<void(const std::vector<int>&)>& begun,
                           const std::function<void(double, const std::string&)>& progress) {
  std::unique_lock lock(mutex_);
  const std::uint64_t turn = next_turn_++;
  turns_.push_back(turn);
  const bool mine = changed_.wait(lock, stop, [&] { return may_begin(turn, placement); });
  std::erase(turns_, turn);
  if (!mine) {
    changed_.notify_all();
    return {RankOutcome::End::stopped, {}, {}, {}, {}};
  }
  const auto running = std::make_shared<Running>();
  running->progress = &progress;
  for (int rank = 0; rank < options_.ranks; ++rank) {
    if (placement == Placement::all_ranks ||
        (running->ranks.empty() && ranks_[static_cast<std::size_t>(rank)].ticket == 0)) {
      running->ranks.push_back(rank);
    }
  }
  const std::int64_t ticket = next_ticket_++;
  running_[ticket] = running;
  alone_ = placement == Placement::alone;
  const Json message = describe(task, placement, ticket);
  for (const int rank : running->ranks) {
    ranks_[static_cast<std::size_t>(rank)].ticket = ticket;
    ranks_[static_cast<std::size_t>(rank)].channel->send(message);
  }
  changed_.notify_all();
  lock.unlock();
  begun(running->ranks);
  lock.lock();
  follow(lock, *running, ticket, task, stop);
  running_.erase(ticket);
  alone_ = alone_ && placement != Placement::alone;
  changed_.notify_all();
  lock.unlock();
  const std::lock_guard telling(running->telling);
  running->progress = nullptr;
  RankOutcome outcome = running->outcome;
  outcome.ranks = running->ranks;
  return outcome;
}

Json RankGroup::describe(const RankTask& task, Placement placement, std::int64_t ticket) const {
  return {{"do", "process"},
          {"ticket", ticket},
          {"split", placement == Placement::all_ranks},
          {"input", task.input.string()},
          {"output", task.output.string()},
          {"name", task.name},
          {"pipeline", task.pipeline},
          {"output_options", task.output_options},
          {"limits", task.limits},
          {"threads", options_.threads > 0 ? options_.threads : cores_for_each_of(options_.ranks)}};
}

/// Waits for the task's end; asks it to stop when `stop` says so or its time is over.
void RankGroup::follow(std::unique_lock<std::mutex>& lock, Running& running, std::int64_t ticket,
                       const RankTask& task, const std::stop_token& stop) {
  const auto finished = [&] { return running.finished; };
  const Time deadline = task.time_limit.count() > 0 ? steady_clock::now() + task.time_limit : Time::max();
  if (deadline == Time::max()) {
    changed_.wait(lock, stop, finished);
  } else {
    changed_.wait_until(lock, stop, deadline, finished);
  }
  if (running.finished) {
    return;
  }
  const bool stopped = stop.stop_requested();
  for (const int rank : running.ranks) {
    if (static_cast<std::size_t>(rank) < ranks_.size() && ranks_[static_cast<std::size_t>(rank)].channel) {
      ranks_[static_cast<std::size_t>(rank)].channel->send({{"do", "cancel"}, {"ticket", ticket}});
    }
  }
  if (!changed_.wait_for(lock, patience, finished)) {
    kill_reason_ = "A task did not stop when it was told to.";
    wake();
    changed_.wait(lock, finished);
  }
  if (running.outcome.end == RankOutcome::End::done) {
    return;  // it was faster
  }
  if (stopped) {
    running.outcome.end = RankOutcome::End::stopped;
    return;
  }
  running.outcome.end = RankOutcome::End::failed;
  running.outcome.code = meaning(ErrorCode::limit_exceeded).name;
  running.outcome.sentence = fmt::format(
      "The job was not done after {} s, the limit of this node; use a smaller image or a simpler pipeline.",
      std::chrono::duration<double>(task.time_limit).count());
}

}  // namespace tessera
