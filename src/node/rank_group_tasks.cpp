// SPDX-License-Identifier: Apache-2.0
// Tasks on the ranks: scheduling, responses and end.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "base/part_layout.hpp"
#include "net/crypto.hpp"
#include "node/rank_group_state.hpp"
#include "node/task_files.hpp"
#include "ranks/transfer.hpp"

namespace tessera {
namespace {

using std::chrono::steady_clock;
using Time = steady_clock::time_point;

/// Time for a cancelled task to stop before its group is killed.
constexpr std::chrono::seconds stop_timeout{10};
/// Ranks report progress at most this often; a rank that does not comply must not load the state store.
constexpr std::chrono::milliseconds min_progress_interval{90};

template <class Grant>
std::string sign(Grant grant, std::int64_t ticket, const std::string& key) {
  grant.ticket = ticket;
  std::string line = to_line(grant);
  line.pop_back();
  return to_text({to_hex(hmac_sha256(key, line)), line});
}

}  // namespace

void RankGroup::handle_message(int rank, std::uint64_t life, const RankMessage& message) {
  std::unique_lock lock(mutex_);
  if (life != life_) {
    return;
  }
  Rank& own = ranks_[static_cast<std::size_t>(rank)];
  own.last_heartbeat = steady_clock::now();
  if (std::holds_alternative<Hello>(message)) {
    throw Error(ErrorCode::rank_lost, "It sent a second hello.");
  }
  if (const auto* const alive = std::get_if<Alive>(&message)) {
    own.memory_bytes = alive->memory_bytes;
    check_memory(own, rank);
  } else if (const auto* const progress = std::get_if<TaskProgress>(&message)) {
    if (progress->ticket == own.ticket) {
      handle_progress(lock, *progress);
    }
  } else if (const auto* const wanted = std::get_if<PartLinksWanted>(&message)) {
    note_wanted_links(rank, *wanted);
  } else {
    handle_end(own, rank, message);
  }
}

void RankGroup::handle_progress(std::unique_lock<std::mutex>& lock, const TaskProgress& progress) {
  const auto found = running_.find(progress.ticket);
  if (found == running_.end()) {
    return;
  }
  const std::shared_ptr<Running> task = found->second;
  lock.unlock();
  const std::lock_guard progress_mutex(task->progress_mutex);
  const Time now = steady_clock::now();
  if (task->progress == nullptr || now < task->next_progress) {
    return;
  }
  task->next_progress = now + min_progress_interval;
  try {
    (*task->progress)(progress.fraction, progress.stage);
  } catch (const std::exception& error) {
    options_.log(fmt::format("The progress callback of a task failed: {}", error.what()));
  }
}

/// Under mutex_.
void RankGroup::handle_end(Rank& own, int rank, const RankMessage& message) {
  const auto* const done = std::get_if<Done>(&message);
  const auto* const failed = std::get_if<Failed>(&message);
  const std::int64_t ticket = done != nullptr ? done->ticket : failed->ticket;
  const auto found = running_.find(ticket);
  if (ticket != own.ticket || found == running_.end()) {
    throw Error(ErrorCode::rank_lost, "It reported the end of a task that it did not have.");
  }
  const std::shared_ptr<Running> task = found->second;
  own.ticket = 0;
  ++task->answers;
  // All ranks report the same failure; for a success the root's report is complete.
  if (failed != nullptr) {
    task->outcome.end = RankOutcome::End::failed;
    task->outcome.code = failed->code;
    task->outcome.sentence = failed->sentence;
  } else if (rank == task->ranks.front() && task->outcome.end != RankOutcome::End::failed) {
    task->outcome.end = RankOutcome::End::done;
    task->outcome.result = *done;
  }
  task->finished = task->answers == static_cast<int>(task->ranks.size());
  changed_.notify_all();
}

bool RankGroup::may_begin(std::uint64_t turn, Placement placement) const {
  if (!ready_ || turns_.empty() || turns_.front() != turn) {
    return false;
  }
  const auto busy = std::ranges::count_if(ranks_, [](const Rank& rank) { return rank.ticket != 0; });
  if (placement != Placement::one_rank) {
    return busy == 0;
  }
  return !alone_ &&
         std::ranges::any_of(ranks_, [](const Rank& rank) { return rank.ticket == 0 && rank.shares_files; });
}

/// A task on one rank needs one that can access the image. Requires mutex_.
void RankGroup::choose_ranks(Running& running, Placement placement) const {
  for (int rank = 0; rank < options_.ranks; ++rank) {
    const Rank& candidate = ranks_[static_cast<std::size_t>(rank)];
    if (placement == Placement::all_ranks ||
        (running.ranks.empty() && candidate.ticket == 0 && candidate.shares_files)) {
      running.ranks.push_back(rank);
    }
  }
}

/// Under mutex_.
void RankGroup::send_to(const Running& running, const NodeMessage& message, int attached) {
  const std::string line = to_line(message);
  for (const int rank : running.ranks) {
    send_to_rank(rank, line, attached);
  }
}

/// Under mutex_.
void RankGroup::send_to_rank(int rank, const std::string& line, int attached) {
  if (static_cast<std::size_t>(rank) < ranks_.size() && ranks_[static_cast<std::size_t>(rank)].channel &&
      !ranks_[static_cast<std::size_t>(rank)].channel->send(line, attached) && kill_reason_.empty()) {
    kill_reason_ = fmt::format("Rank {} does not read its messages.", rank);
    wake();
  }
}

/// Under mutex_.
void RankGroup::note_wanted_links(int rank, const PartLinksWanted& wanted) {
  const auto found = running_.find(wanted.ticket);
  if (found == running_.end()) {
    return;  // the task has just ended
  }
  Running& task = *found->second;
  if (!task.grants_parts || rank != task.ranks.front() || task.wanted_links ||
      wanted.first < task.next_part) {
    throw Error(ErrorCode::rank_lost, "It asked for links that it may not have.");
  }
  task.next_part = wanted.first + wanted.count;
  task.wanted_links = wanted;
  changed_.notify_all();
}

/// Signing may need a request to another server, so it is done without the mutex.
void RankGroup::send_links(std::unique_lock<std::mutex>& lock, Running& running, const RankTask& task) {
  const PartLinksWanted wanted = *std::exchange(running.wanted_links, std::nullopt);
  const std::string key = transfer_key_;
  const std::uint64_t life = life_;
  lock.unlock();
  PartLinks links;
  links.ticket = wanted.ticket;
  try {
    std::int64_t part = wanted.first;
    for (std::string& link : task.part_links(wanted.first, wanted.count)) {
      links.grants.push_back(sign(UploadGrant{0, std::move(link), size_of_part(part++)}, wanted.ticket, key));
    }
  } catch (const Error& error) {
    links.grants.clear();
    links.code = meaning(error.code()).name;
    links.sentence = error.what();
  }
  lock.lock();
  if (life == life_) {
    send_to_rank(running.ranks.front(), to_line(links));
  }
}

RankOutcome RankGroup::run(const RankTask& task, Placement placement, const std::stop_token& stop,
                           const std::function<void(const std::vector<int>&)>& begun,
                           const std::function<void(double, const std::string&)>& progress) {
  TaskFiles files(task, options_);
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
  choose_ranks(*running, placement);
  const std::int64_t ticket = next_ticket_++;
  running_[ticket] = running;
  alone_ = placement == Placement::alone;
  for (const int rank : running->ranks) {
    ranks_[static_cast<std::size_t>(rank)].ticket = ticket;
  }
  running->grants_parts = static_cast<bool>(task.part_links);
  ProcessTask message;
  message.ticket = ticket;
  message.parts = running->grants_parts;
  message.split = placement == Placement::all_ranks;
  message.attached = files.attached();
  message.input = files.input();
  message.output = files.output();
  if (task.transfer) {
    message.grant = sign(*task.transfer, ticket, transfer_key_);
  }
  message.name = task.name;
  message.pipeline = task.pipeline;
  message.output_options = task.output_options;
  message.limits = task.limits;
  message.threads = options_.threads;
  send_to(*running, message, files.descriptor());
  changed_.notify_all();
  lock.unlock();
  try {
    begun(running->ranks);
  } catch (const std::exception& error) {
    options_.log(fmt::format("The start callback of a task failed: {}", error.what()));
  }
  lock.lock();
  follow(lock, *running, ticket, task, stop);
  running_.erase(ticket);
  alone_ = alone_ && placement != Placement::alone;
  changed_.notify_all();
  lock.unlock();
  const std::lock_guard progress_mutex(running->progress_mutex);
  running->progress = nullptr;
  RankOutcome outcome = running->outcome;
  outcome.ranks = running->ranks;
  files.collect(outcome);
  return outcome;
}

/// Waits for the task's end; cancels it when `stop` is requested or its time limit is over.
void RankGroup::follow(std::unique_lock<std::mutex>& lock, Running& running, std::int64_t ticket,
                       const RankTask& task, const std::stop_token& stop) {
  const auto finished = [&] { return running.finished; };
  const auto finished_or_waiting = [&] { return running.finished || running.wanted_links; };
  const Time deadline = task.time_limit.count() > 0 ? steady_clock::now() + task.time_limit : Time::max();
  while (deadline == Time::max() ? changed_.wait(lock, stop, finished_or_waiting)
                                 : changed_.wait_until(lock, stop, deadline, finished_or_waiting)) {
    if (running.finished) {
      return;
    }
    send_links(lock, running, task);
  }
  const bool stopped = stop.stop_requested();
  send_to(running, Cancel{ticket});
  if (!changed_.wait_for(lock, stop_timeout, finished)) {
    kill_reason_ = "A task did not stop when it was cancelled.";
    wake();
    changed_.wait(lock, finished);
  }
  if (running.outcome.end == RankOutcome::End::done) {
    return;  // it finished first
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
