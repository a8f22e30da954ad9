#include <fmt/format.h>

#include <algorithm>

#include "core/error.hpp"
#include "service/gateway/gateway.hpp"

namespace tessera::service {

void Gateway::reconcile() {
  const auto attempt = [this](const char* what, void (Gateway::*work)()) {
    try {
      (this->*work)();
    } catch (const Error& error) {
      warn(what, error.what());
    }
  };
  attempt("jobs left behind could not be published", &Gateway::publish_left_behind);
  attempt("jobs set aside could not be marked", &Gateway::fail_what_was_set_aside);
  attempt("jobs that have outlived their time could not be removed", &Gateway::expire_jobs);
  attempt("whether jobs make progress is not known", &Gateway::look_for_progress);
  attempt("how much was uploaded is not known", &Gateway::measure_uploads);
  attempt("uploads that have outlived their time could not be removed", &Gateway::expire_uploads);
}

void Gateway::publish_left_behind() {
  constexpr int most_at_once = 500;
  for (const Job& job :
       ports_.jobs.unpublished(options_.now() - options_.unpublished_patience, most_at_once)) {
    if (!is_final(job.state)) {
      ports_.queue.publish({job.id, job.generation, job.request.priority, job.request_id});
    }
    ports_.jobs.mark_published(job.id, job.generation);
  }
}

/// Nodes say themselves why a job was set aside. What ends them before they can is found here: the queue's
/// own limit of deliveries.
void Gateway::fail_what_was_set_aside() {
  constexpr int most_at_once = 500;
  for (const DeadLetter& letter : ports_.queue.dead_letters(most_at_once)) {
    JobChange change;
    change.state = JobState::failed;
    change.failure =
        JobFailure{std::string(meaning(ErrorCode::rank_lost).name),
                   fmt::format("It was set aside after {} deliveries: {}", letter.attempts, letter.reason)};
    ports_.jobs.change(letter.message.job_id, letter.message.generation, change);
  }
}

void Gateway::look_for_progress() {
  constexpr int running_at_once = 500;
  // What changes with every job that begins, moves on or ends.
  std::string seen;
  std::int64_t unfinished = 0;
  for (const auto& [state, count] : ports_.jobs.count_by_state()) {
    seen += fmt::format("{} {},", to_string(state), count);
    unfinished += is_final(state) ? 0 : count;
  }
  JobFilter running;
  running.state = JobState::running;
  for (const Job& job : ports_.jobs.list(running, "", running_at_once).jobs) {
    seen += fmt::format("{} {} {},", job.id, job.attempt, job.fraction);
  }
  const std::scoped_lock lock(mutex_);
  if (unfinished == 0 || seen != progress_seen_) {
    progress_seen_ = std::move(seen);
    progress_at_ = std::chrono::steady_clock::now();
  }
}

void Gateway::expire_jobs() {
  constexpr int most_at_once = 200;
  for (const Job& job : ports_.jobs.finished_before(options_.now() - options_.job_lifetime, most_at_once)) {
    // Objects first: a record without objects can be removed again, an object without a record never would
    // be.
    if (job.result) {
      ports_.objects.remove(job.result->object);
    }
    ports_.jobs.remove(job.id);
  }
}

void Gateway::expire_uploads() {
  {
    const std::scoped_lock lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    if (uploads_swept_ && now < *uploads_swept_ + options_.upload_sweep_interval) {
      return;
    }
    uploads_swept_ = now;
  }
  constexpr int page_size = 1000;
  // Uploads that a job may still be waiting to use are kept, however long it waits: they were there when it
  // was accepted.
  const TimePoint expired = oldest_unfinished() - options_.upload_lifetime;
  std::string after;
  do {
    const ObjectPage page = ports_.objects.list("uploads/", after, page_size);
    for (const ObjectInfo& object : page.objects) {
      if (object.modified < expired) {
        ports_.objects.remove(object.name);
      }
    }
    after = page.next;
  } while (!after.empty());
}

TimePoint Gateway::oldest_unfinished() {
  constexpr int page_size = 500;
  TimePoint oldest = options_.now();
  for (const JobState state : {JobState::queued, JobState::running, JobState::storing}) {
    JobFilter filter;
    filter.state = state;
    std::string after;
    do {
      const JobPage page = ports_.jobs.list(filter, after, page_size);
      for (const Job& job : page.jobs) {
        oldest = std::min(oldest, job.created);
      }
      after = page.next;
    } while (!after.empty());
  }
  return oldest;
}

}  // namespace tessera::service
