// SPDX-License-Identifier: Apache-2.0
#include "ports/job_store.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "ports/stored_json.hpp"

namespace tessera {

bool may_change(const Job& job, int generation) {
  return (generation == 0 || job.generation == generation) && !is_final(job.state);
}

std::string apply_change(Job& job, const JobChange& change, TimePoint now) {
  const auto set = [](auto& field, const auto& value) {
    if (value) {
      field = *value;
    }
  };
  set(job.state, change.state);
  set(job.attempt, change.attempt);
  set(job.fraction, change.fraction);
  set(job.stage, change.stage);
  set(job.node, change.node);
  set(job.layout, change.layout);
  if (change.failure) {
    job.failure = change.failure;
  }
  if (change.result) {
    job.result = change.result;
  } else if (change.state && *change.state != JobState::done) {
    job.result.reset();  // of an unfinished attempt
  }
  job.updated = std::max(job.updated, now);
  return change.state ? std::string(to_string(*change.state)) : "progress";
}

std::string webhook_call_id(const Job& job) { return job.id + "." + std::to_string(job.generation); }

bool may_retry(const Job& job) { return job.state == JobState::failed || job.state == JobState::cancelled; }

void apply_retry(Job& job, TimePoint now) {
  job.state = JobState::queued;
  ++job.generation;
  job.attempt = 0;
  job.fraction = 0;
  job.stage.clear();
  job.node.clear();
  job.layout = Json();
  job.failure.reset();
  job.result.reset();
  job.updated = std::max(job.updated, now);
}

bool may_queue_again(const Job& job, const Job& seen) {
  return job.generation == seen.generation && job.updated == seen.updated && !is_final(job.state);
}

void apply_queue_again(Job& job, const std::string& stage, TimePoint now) {
  // A result that was being stored may be complete: the next node checks for it.
  if (job.state != JobState::storing || !job.result) {
    // It is not known what ended the node, so the interrupted attempt does not count against the job.
    job.attempt = std::max(0, job.attempt - (job.layout.is_null() ? 0 : 1));
    job.state = JobState::queued;
    job.fraction = 0;
    job.node.clear();
    job.layout = Json();
    job.result.reset();
  }
  job.stage = stage;
  // Always later than before, so that the job is not queued again based on the old state.
  job.updated = std::max(job.updated + std::chrono::milliseconds(1), now);
}

bool may_remove(const Job& job, TimePoint time) { return is_final(job.state) && job.updated < time; }

std::string input_of_record(const std::string& record) {
  try {
    const Json json = parse_stored(record, "the record of a job");
    const StoredFields fields(json, "the record of a job");
    return StoredFields(fields.at("request"), "the request of a job").text("object");
  } catch (const Unreadable&) {
    return {};
  }
}

Json event_data_from_text(std::string_view text) {
  Json data = parse_stored(text, "the content of an event");
  static_cast<void>(job_from_json(data));
  return data;
}

std::vector<Job> JobStore::find_all(const std::vector<std::string>& job_ids) {
  std::vector<Job> jobs;
  for (const std::string& id : job_ids) {
    if (auto job = find(id)) {
      jobs.push_back(std::move(*job));
    }
  }
  return jobs;
}

void check_waiting(const std::string& owner, std::int64_t waiting, std::int64_t more,
                   std::int64_t max_waiting) {
  if (max_waiting != 0 && waiting + more > max_waiting) {
    throw Error(ErrorCode::busy,
                fmt::format("'{}' has {} waiting jobs, and {} more would exceed the limit of {}: try again "
                            "when some of them have ended.",
                            owner, waiting, more, max_waiting));
  }
}

Batch batch_of(const NewJobs& jobs) {
  Batch batch{jobs.jobs.front().batch_id, jobs.jobs.front().owner, {},
              jobs.webhook_url,           jobs.webhook_secret,     jobs.jobs.front().created};
  for (const Job& job : jobs.jobs) {
    batch.job_ids.push_back(job.id);
  }
  return batch;
}

}  // namespace tessera
