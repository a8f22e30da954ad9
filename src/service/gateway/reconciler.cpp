// SPDX-License-Identifier: Apache-2.0
// The reconciler: finds and repairs, in rounds, what the queue, nodes and other gateways have lost or left
// unfinished.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <set>
#include <utility>

#include "base/error.hpp"
#include "ports/failpoint.hpp"
#include "service/gateway/gateway.hpp"

namespace tessera::service {
namespace {

/// Maximum number of jobs examined or published in one round.
constexpr int max_per_round = 500;

/// The jobs that live nodes hold.
struct HeldJobs {
  std::set<std::string> jobs;
  std::set<std::string> silent_nodes;  ///< nodes that do not report their jobs
  bool no_nodes = true;                ///< there is no node

  [[nodiscard]] bool has(const Job& job) const {
    return jobs.contains(job.id) || silent_nodes.contains(job.node);
  }
};

HeldJobs held_jobs(NodeRegistry& registry) {
  HeldJobs result;
  for (const NodeInfo& node : registry.list()) {
    result.no_nodes = false;
    const auto jobs = node.details.is_object() ? node.details.find("jobs") : node.details.end();
    if (jobs == node.details.end() || !jobs->is_array()) {
      result.silent_nodes.insert(node.id);
      continue;
    }
    for (const Json& job : *jobs) {
      if (job.is_string()) {
        result.jobs.insert(job.get<std::string>());
      }
    }
  }
  return result;
}

}  // namespace

void Gateway::reconcile(const std::stop_token& stop) {
  const auto attempt = [&](const char* what, void (Gateway::*work)()) {
    if (stop.stop_requested()) {
      return;
    }
    try {
      (this->*work)();
    } catch (const std::exception& error) {
      warn(what, error.what());
    }
  };
  attempt("unpublished jobs could not be published", &Gateway::publish_unpublished);
  attempt("the progress of jobs could not be checked", &Gateway::check_progress);
  attempt("lost jobs could not be requeued", &Gateway::requeue_lost_jobs);
  attempt("dead-lettered jobs could not be marked as failed", &Gateway::fail_dead_lettered_jobs);
  attempt("expired jobs could not be removed", &Gateway::expire_jobs);
  attempt("the size of uploads could not be checked", &Gateway::measure_uploads);
  attempt("expired uploads could not be removed", &Gateway::expire_uploads);
  attempt("uploads in parts that were not completed could not be removed", &Gateway::abort_part_uploads);
  attempt("orphaned results could not be removed", &Gateway::sweep_results);
}

void Gateway::publish_unpublished() {
  // Each priority's queue may be unavailable on its own.
  std::set<Priority> away;
  std::string why;
  for (const Job& job :
       ports_.jobs.unpublished(options_.now() - options_.unpublished_timeout, max_per_round)) {
    if (away.contains(job.request.priority)) {
      continue;
    }
    try {
      if (!is_final(job.state)) {
        ports_.queue.publish({job.id, job.generation, job.request.priority, job.request_id});
      }
    } catch (const Error& error) {
      away.insert(job.request.priority);
      why = error.what();
      continue;
    }
    ports_.jobs.mark_published(job.id, job.generation);
  }
  if (!away.empty()) {
    throw Error(ErrorCode::unavailable, why);
  }
}

/// The state store is authoritative: a queued job must have a message, and a running job must have a node.
/// Duplicate messages are harmless, so in doubt a message is published.
void Gateway::requeue_lost_jobs() {
  const TimePoint silent_since = options_.now() - options_.requeue_after;
  std::int64_t room = max_per_round;
  bool any = false;
  const auto queue_again = [&](const Job& job, const char* stage) {
    // If the job has changed since it was read, some node has it.
    if (const auto again = ports_.jobs.queue_again(job, stage)) {
      any = true;
      --room;
      queued_again_.fetch_add(1);
      reach(Failpoint::lost_job_queued_again);
      ports_.queue.publish({again->id, again->generation, again->request.priority, again->request_id});
      reach(Failpoint::lost_message_published);
      ports_.jobs.mark_published(again->id, again->generation);
    }
  };
  std::optional<HeldJobs> held;
  for (const JobState state : {JobState::running, JobState::storing}) {
    for (const Job& job : ports_.jobs.unchanged_since(state, silent_since, max_per_round)) {
      if (!held) {
        held = held_jobs(ports_.nodes);
      }
      // Without any node, the message would not be consumed, and each round would add another one.
      if (!held->has(job) && !held->no_nodes) {
        queue_again(job, "Its node has disappeared or no longer has it; it waits for another node.");
      }
    }
  }
  if (!ports_.jobs.unchanged_since(JobState::queued, silent_since, 1).empty()) {
    if (!held) {
      held = held_jobs(ports_.nodes);
    }
    // Jobs are counted before the messages: concurrent changes make fewer messages seem to be missing, not
    // more.
    const std::int64_t queued = ports_.jobs.count(JobState::queued);
    const std::int64_t missing =
        queued - ports_.queue.depth().waiting - static_cast<std::int64_t>(held->jobs.size());
    // A message that is being received seems missing for a moment; only what is missing twice counts.
    const std::int64_t surely = std::min(missing, std::exchange(missing_before_, missing));
    room = std::min(room, surely);
    if (room > 0) {
      for (const Job& job : ports_.jobs.unchanged_since(JobState::queued, silent_since, max_per_round)) {
        if (room <= 0) {
          break;
        }
        if (!held->has(job)) {
          queue_again(job, "The queue has lost its message; it was requeued.");
        }
      }
    }
  } else {
    missing_before_ = 0;
  }
  if (any) {
    // Requeueing is not progress.
    std::string newest = ports_.events.newest_id();
    const std::scoped_lock lock(mutex_);
    progress_seen_ = std::move(newest);
  }
}

/// Nodes fail the jobs that they dead-letter. This handles jobs dead-lettered by the queue's own delivery
/// limit.
void Gateway::fail_dead_lettered_jobs() {
  const std::int64_t dead = ports_.queue.depth().dead;
  const auto now = std::chrono::steady_clock::now();
  // With some queues, reading the letters means receiving and requeueing all of them. If one was added while
  // another was removed, it is found a little later.
  if (dead == dead_letters_seen_ &&
      (dead == 0 || now < dead_letters_checked_at_ + options_.dead_letter_interval)) {
    return;
  }
  std::set<std::string> there;
  for (const DeadLetter& letter : ports_.queue.dead_letters(std::numeric_limits<int>::max())) {
    there.insert(letter.id);
    if (marked_dead_letters_.contains(letter.id)) {
      continue;
    }
    if (letter.message.job_id.empty()) {
      warn(fmt::format("a dead letter, '{}', names no job", letter.id), letter.reason);
    } else {
      JobChange change;
      change.state = JobState::failed;
      change.failure = JobFailure{std::string(meaning(ErrorCode::rank_lost).name),
                                  fmt::format("It was moved to the dead-letter queue after {} deliveries: {}",
                                              letter.attempts, letter.reason)};
      ports_.jobs.change(letter.message.job_id, letter.message.generation, change);
    }
    marked_dead_letters_.insert(letter.id);
  }
  std::erase_if(marked_dead_letters_, [&](const std::string& id) { return !there.contains(id); });
  dead_letters_seen_ = dead;
  dead_letters_checked_at_ = now;
}

void Gateway::check_progress() {
  // Every change of a job leaves an event.
  std::string newest = ports_.events.newest_id();
  bool moved = false;
  {
    const std::scoped_lock lock(mutex_);
    moved = newest != progress_seen_;
  }
  const bool idle =
      !moved && std::ranges::all_of(std::array{JobState::queued, JobState::running, JobState::storing},
                                    [&](JobState state) { return ports_.jobs.count(state) == 0; });
  const std::scoped_lock lock(mutex_);
  if (moved || idle) {
    progress_seen_ = std::move(newest);
    progress_at_ = std::chrono::steady_clock::now();
  }
}

}  // namespace tessera::service
