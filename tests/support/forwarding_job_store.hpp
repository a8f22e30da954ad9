// SPDX-License-Identifier: Apache-2.0
// Passes every call on; what a test overrides fails as real servers do only by chance.
#pragma once

#include "ports/job_store.hpp"

namespace tessera::testing {

class ForwardingJobStore : public JobStore {
 public:
  explicit ForwardingJobStore(JobStore& store) : store_(store) {}
  Created create(const NewJobs& jobs) override { return store_.create(jobs); }
  void mark_published(const std::string& job_id, int generation) override {
    store_.mark_published(job_id, generation);
  }
  std::vector<Job> unpublished(TimePoint changed_before, int limit) override {
    return store_.unpublished(changed_before, limit);
  }
  std::optional<Job> find(const std::string& job_id) override { return store_.find(job_id); }
  std::vector<Job> find_all(const std::vector<std::string>& job_ids) override {
    return store_.find_all(job_ids);
  }
  std::optional<Batch> find_batch(const std::string& batch_id) override {
    return store_.find_batch(batch_id);
  }
  JobPage list(const JobFilter& filter, const std::string& after, int limit) override {
    return store_.list(filter, after, limit);
  }
  std::optional<Job> change(const std::string& job_id, int generation, const JobChange& change) override {
    return store_.change(job_id, generation, change);
  }
  std::optional<Job> retry(const std::string& job_id, std::int64_t max_waiting) override {
    return store_.retry(job_id, max_waiting);
  }
  std::vector<Job> unchanged_since(JobState state, TimePoint time, int limit) override {
    return store_.unchanged_since(state, time, limit);
  }
  std::optional<Job> queue_again(const Job& seen, const std::string& stage) override {
    return store_.queue_again(seen, stage);
  }
  std::vector<WebhookCall> claim_webhook_calls(std::chrono::milliseconds lease, int limit,
                                               const std::vector<std::string>& excluded_owners) override {
    return store_.claim_webhook_calls(lease, limit, excluded_owners);
  }
  void settle_webhook_call(const std::string& call_id, std::optional<TimePoint> again) override {
    store_.settle_webhook_call(call_id, again);
  }
  void postpone_webhook_call(const std::string& call_id, TimePoint until) override {
    store_.postpone_webhook_call(call_id, until);
  }
  std::vector<Job> finished_before(TimePoint time, int limit) override {
    return store_.finished_before(time, limit);
  }
  bool remove_finished(const std::string& job_id, TimePoint time) override {
    return store_.remove_finished(job_id, time);
  }
  std::unordered_set<std::string> objects_in_use() override { return store_.objects_in_use(); }
  std::vector<std::pair<JobState, std::int64_t>> count_by_state() override { return store_.count_by_state(); }
  std::int64_t count(JobState state) override { return store_.count(state); }
  std::vector<UnreadableItem> unreadable(int limit) override { return store_.unreadable(limit); }
  bool remove_unreadable(const std::string& kind, const std::string& id) override {
    return store_.remove_unreadable(kind, id);
  }
  void check() override { store_.check(); }

 private:
  JobStore& store_;
};

}  // namespace tessera::testing
