// What makes the state of jobs come true: whatever the queue, the nodes and other gateways have lost or left
// behind is found here, round by round.
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

/// Jobs looked at or published in one round.
constexpr int most_at_once = 500;

/// The jobs that living nodes have in hand.
struct InHand {
  std::set<std::string> jobs;
  std::set<std::string> silent_nodes;  ///< those that do not tell which jobs they have
  bool nobody = true;                  ///< there is no node

  [[nodiscard]] bool has(const Job& job) const {
    return jobs.contains(job.id) || silent_nodes.contains(job.node);
  }
};

InHand in_hand(NodeRegistry& registry) {
  InHand result;
  for (const NodeInfo& node : registry.list()) {
    result.nobody = false;
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

void Gateway::reconcile() {
  const auto attempt = [this](const char* what, void (Gateway::*work)()) {
    try {
      (this->*work)();
    } catch (const std::exception& error) {
      warn(what, error.what());
    }
  };
  attempt("jobs left behind could not be published", &Gateway::publish_left_behind);
  attempt("whether jobs make progress is not known", &Gateway::look_for_progress);
  attempt("jobs whose messages are lost could not be queued again", &Gateway::queue_what_is_lost);
  attempt("jobs set aside could not be marked", &Gateway::fail_what_was_set_aside);
  attempt("jobs that have outlived their time could not be removed", &Gateway::expire_jobs);
  attempt("how much was uploaded is not known", &Gateway::measure_uploads);
  attempt("uploads that have outlived their time could not be removed", &Gateway::expire_uploads);
  attempt("results that belong to no job could not be removed", &Gateway::sweep_results);
}

void Gateway::publish_left_behind() {
  // Each line of the queue may be away by itself.
  std::set<Priority> away;
  std::string why;
  for (const Job& job :
       ports_.jobs.unpublished(options_.now() - options_.unpublished_patience, most_at_once)) {
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

/// The state is the truth: what it says is waiting must have a message, and what it says is under way must
/// have a node. Messages may come twice, so whoever is in doubt publishes.
void Gateway::queue_what_is_lost() {
  const TimePoint silent_since = options_.now() - options_.requeue_after;
  std::int64_t room = most_at_once;
  bool any = false;
  const auto queue_again = [&](const Job& job, const char* stage) {
    // A change of this very job since it was seen shows that somebody has it.
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
  std::optional<InHand> held;
  for (const JobState state : {JobState::running, JobState::storing}) {
    for (const Job& job : ports_.jobs.unchanged_since(state, silent_since, most_at_once)) {
      if (!held) {
        held = in_hand(ports_.nodes);
      }
      // Without any node, nobody would take the message, and there would be another one each time.
      if (!held->has(job) && !held->nobody) {
        queue_again(job, "Its node is gone or does not have it any more; it waits for another.");
      }
    }
  }
  if (!ports_.jobs.unchanged_since(JobState::queued, silent_since, 1).empty()) {
    if (!held) {
      held = in_hand(ports_.nodes);
    }
    // Counted before the messages are: what comes meanwhile makes fewer seem to be missing, not more.
    const std::int64_t queued = ports_.jobs.count(JobState::queued);
    const std::int64_t missing =
        queued - ports_.queue.depth().waiting - static_cast<std::int64_t>(held->jobs.size());
    // What is taken at this very moment is missing for a moment. What is missing twice is.
    const std::int64_t surely = std::min(missing, std::exchange(missing_before_, missing));
    room = std::min(room, surely);
    if (room > 0) {
      for (const Job& job : ports_.jobs.unchanged_since(JobState::queued, silent_since, most_at_once)) {
        if (room <= 0) {
          break;
        }
        if (!held->has(job)) {
          queue_again(job, "The queue has lost its message; it was queued again.");
        }
      }
    }
  } else {
    missing_before_ = 0;
  }
  if (any) {
    // That is no progress of the jobs.
    std::string newest = ports_.events.newest_id();
    const std::scoped_lock lock(mutex_);
    progress_seen_ = std::move(newest);
  }
}

/// Nodes say themselves why a job was set aside. What ends them before they can is found here: the queue's
/// own limit of deliveries.
void Gateway::fail_what_was_set_aside() {
  const std::int64_t dead = ports_.queue.depth().dead;
  const auto now = std::chrono::steady_clock::now();
  // To look means to take all of them out and put them back, with some queues. One that came when another
  // went is found a little later.
  if (dead == dead_seen_ && (dead == 0 || now < dead_looked_at_ + options_.dead_letter_interval)) {
    return;
  }
  std::set<std::string> there;
  for (const DeadLetter& letter : ports_.queue.dead_letters(std::numeric_limits<int>::max())) {
    there.insert(letter.id);
    if (marked_dead_.contains(letter.id)) {
      continue;
    }
    if (letter.message.job_id.empty()) {
      warn(fmt::format("a dead letter, '{}', names no job", letter.id), letter.reason);
    } else {
      JobChange change;
      change.state = JobState::failed;
      change.failure =
          JobFailure{std::string(meaning(ErrorCode::rank_lost).name),
                     fmt::format("It was set aside after {} deliveries: {}", letter.attempts, letter.reason)};
      ports_.jobs.change(letter.message.job_id, letter.message.generation, change);
    }
    marked_dead_.insert(letter.id);
  }
  std::erase_if(marked_dead_, [&](const std::string& id) { return !there.contains(id); });
  dead_seen_ = dead;
  dead_looked_at_ = now;
}

void Gateway::look_for_progress() {
  // Every job that comes, begins, moves on or ends leaves an event.
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
