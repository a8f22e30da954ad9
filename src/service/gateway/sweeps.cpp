// SPDX-License-Identifier: Apache-2.0
// Expiry of jobs with their results, uploads, and orphaned results.
//
// Why no data of an accepted job is removed:
// - A job's record is removed by JobStore::remove_finished(), which checks again, in the transaction that
//   removes it, whether the job is still final and unchanged. A job that was retried before stays; a later
//   retry finds no job.
// - A job is accepted only if its input has not exceeded its lifetime at that moment (check_objects), and its
//   record is stored at most `acceptance_margin` later. An upload is removed only when it exceeds its
//   lifetime by that margin, and no record existed that names it when objects_in_use() was called, less than
//   the margin ago. Suppose an upload is removed that a job needs. The job's record did not exist when
//   objects_in_use() was called, at T, so the job was accepted after T - margin. Then the upload was younger
//   than its lifetime at T - margin, so younger than lifetime + margin at T, and was not removed.
// - Results used as inputs are accepted until `acceptance_margin` before their own job expires, with the same
//   effect.
//
// Failed and cancelled jobs count too: they may be retried as long as they are stored.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <limits>
#include <map>
#include <mutex>

#include "base/error.hpp"
#include "base/parallel_for_each.hpp"
#include "ports/failpoint.hpp"
#include "ports/part_uploads.hpp"
#include "service/gateway/gateway.hpp"

namespace tessera::service {
namespace {

constexpr int page_size = 1000;
constexpr std::chrono::minutes max_in_use_age{5};
static_assert(max_in_use_age < acceptance_margin);

/// The job id in a result's object name; empty if there is none.
std::string job_id_in(const std::string& object) {
  constexpr std::string_view prefix = "job_";
  constexpr std::size_t id_size = prefix.size() + 26;
  const std::size_t begin = object.find(std::string("/") + std::string(prefix));
  return begin == std::string::npos || object.size() < begin + 1 + id_size
             ? std::string()
             : object.substr(begin + 1, id_size);
}

}  // namespace

/// Removes objects; may be used by several threads. A failure does not stop the others; what remains is found
/// by a later sweep.
class Gateway::Removals {
 public:
  explicit Removals(Gateway& gateway) : gateway_(gateway) {}
  ~Removals() {
    if (failed_ > 0) {
      gateway_.objects_kept_.fetch_add(failed_.load());
      gateway_.warn(fmt::format("{} of {} objects could not be removed, the first is '{}'", failed_.load(),
                                tried_.load(), first_),
                    why_);
    }
  }
  Removals(const Removals&) = delete;
  Removals& operator=(const Removals&) = delete;

  void remove(const std::string& object) {
    ++tried_;
    if (store_is_unavailable()) {
      ++failed_;  // each further attempt would block
      return;
    }
    try {
      gateway_.ports_.objects.remove(object);
      consecutive_failures_ = 0;
    } catch (const Error& error) {
      const std::lock_guard lock(mutex_);
      if (++failed_ == 1) {
        first_ = object;
        why_ = error.what();
      }
      if (error.code() == ErrorCode::unavailable) {
        ++consecutive_failures_;
      } else {
        consecutive_failures_ = 0;
      }
    }
  }
  [[nodiscard]] bool store_is_unavailable() const {
    constexpr int max_consecutive_failures = 3;
    return consecutive_failures_ >= max_consecutive_failures;
  }

 private:
  Gateway& gateway_;
  std::atomic<std::int64_t> tried_{0};
  std::atomic<std::int64_t> failed_{0};
  std::atomic<int> consecutive_failures_{0};
  std::mutex mutex_;  ///< of what follows
  std::string first_;
  std::string why_;
};

TimePoint Gateway::expiry_now() {
  const TimePoint now = expiry_clock_.now();
  const std::chrono::milliseconds ahead = expiry_clock_.ahead();
  if (ahead.count() != clock_ahead_ms_.exchange(ahead.count()) && ahead.count() > 0 && options_.log) {
    options_.log->error(
        "The clock has jumped ahead by {} s. Expiry ignores the jump, so that a wrong clock does not remove "
        "all jobs and uploads. If the time is correct now, restart this gateway.",
        std::chrono::duration_cast<std::chrono::seconds>(ahead).count());
  }
  return now;
}

const std::unordered_set<std::string>& Gateway::objects_in_use() {
  const auto now = std::chrono::steady_clock::now();
  if (!in_use_ || now > in_use_at_ + max_in_use_age) {
    in_use_ = ports_.jobs.objects_in_use();
    in_use_at_ = now;
  }
  return *in_use_;
}

/// A round takes pages until nothing is left or its time is up, with several removals in parallel: one after the
/// other would be fewer a day than a large installation accepts.
void Gateway::expire_jobs() {
  constexpr int jobs_per_page = 200;
  constexpr std::size_t max_threads = 8;
  constexpr std::chrono::seconds max_time{20};  // the other steps of the reconciler wait meanwhile
  const auto deadline = std::chrono::steady_clock::now() + max_time;
  const TimePoint expired = expiry_now() - options_.job_lifetime;
  Removals removals(*this);
  std::vector<Job> jobs;
  do {
    jobs = ports_.jobs.finished_before(expired, jobs_per_page);
    if (jobs.empty()) {
      return;
    }
    const std::unordered_set<std::string>& in_use = objects_in_use();
    parallel_for_each(jobs.size(), max_threads, [&](std::size_t i) {
      const Job& job = jobs[i];
      if (removals.store_is_unavailable()) {
        return;
      }
      // After a crash between the two steps, the result is removed as an orphan.
      if (ports_.jobs.remove_finished(job.id, expired) && job.result &&
          !in_use.contains(job.result->object)) {
        reach(Failpoint::expired_record_removed);
        removals.remove(job.result->object);
      }
    });
  } while (jobs.size() == jobs_per_page && !removals.store_is_unavailable() &&
           std::chrono::steady_clock::now() < deadline);
}

bool Gateway::Sweep::should_run(std::chrono::milliseconds interval) {
  const auto now = std::chrono::steady_clock::now();
  if (under_way) {
    return true;
  }
  if (ended && now < *ended + interval) {
    return false;
  }
  under_way = true;
  after.clear();
  return true;
}

void Gateway::Sweep::advance_to(std::string next) {
  under_way = !next.empty();
  after = std::move(next);
  if (!under_way) {
    ended = std::chrono::steady_clock::now();
  }
}

void Gateway::expire_uploads() {
  if (!upload_sweep_.should_run(options_.upload_sweep_interval)) {
    return;
  }
  if (upload_sweep_.after.empty()) {
    in_use_.reset();
  }
  const TimePoint expired = expiry_now() - options_.upload_lifetime - acceptance_margin;
  const ObjectPage page = ports_.objects.list("uploads/", upload_sweep_.after, page_size);
  Removals removals(*this);
  for (const ObjectInfo& object : page.objects) {
    if (object.modified < expired && !objects_in_use().contains(object.name)) {
      removals.remove(object.name);
    }
  }
  upload_sweep_.advance_to(page.next);
}

/// Clients' whose reservation has expired, and those of nodes that were killed while they stored a result.
void Gateway::abort_part_uploads() {
  if (!part_upload_sweep_.should_run(options_.upload_sweep_interval)) {
    return;
  }
  part_upload_sweep_.advance_to({});  // a failure is tried again at the next interval
  PartUploads& uploads = ports_.objects.part_uploads();
  uploads.abort_uploads("uploads/", expiry_now() - options_.upload_lifetime - options_.link_lifetime);
  uploads.abort_uploads("results/", expiry_now() - options_.orphan_age);
}

/// Removes results that no record names: from nodes that were killed before they could complete the job, and
/// of jobs whose record was removed first.
void Gateway::sweep_results() {
  if (!result_sweep_.should_run(options_.result_sweep_interval)) {
    return;
  }
  if (result_sweep_.after.empty()) {
    forget_old_unreadable();
  }
  const TimePoint expired = expiry_now() - options_.orphan_age;
  const ObjectPage page = ports_.objects.list("results/", result_sweep_.after, page_size);
  std::map<std::string, std::string> job_ids;  // by object
  for (const ObjectInfo& object : page.objects) {
    // Objects without a job id in their name were not stored by a node.
    if (const std::string id = job_id_in(object.name); object.modified < expired && !id.empty()) {
      job_ids.emplace(object.name, id);
    }
  }
  if (!job_ids.empty()) {
    std::vector<std::string> requested;
    for (const auto& [object, id] : job_ids) {
      requested.push_back(id);
    }
    std::map<std::string, Job> jobs;
    for (Job& job : ports_.jobs.find_all(requested)) {
      jobs.emplace(job.id, std::move(job));
    }
    // A record that this version cannot read may still name its result.
    std::unordered_set<std::string> unreadable;
    for (const UnreadableItem& item : ports_.jobs.unreadable(std::numeric_limits<int>::max())) {
      unreadable.insert(item.id);
    }
    Removals removals(*this);
    for (const auto& [object, id] : job_ids) {
      const auto job = jobs.find(id);
      const bool orphan =
          job == jobs.end()
              ? !unreadable.contains(id)
              : is_final(job->second.state) && (!job->second.result || job->second.result->object != object);
      if (orphan && !objects_in_use().contains(object)) {
        removals.remove(object);
      }
    }
  }
  result_sweep_.advance_to(page.next);
}

/// Records that stay unreadable for the lifetime of a job are removed.
void Gateway::forget_old_unreadable() {
  const TimePoint expired = expiry_now() - options_.job_lifetime;
  constexpr int max_per_round = 1000;
  for (const UnreadableItem& item : ports_.jobs.unreadable(max_per_round)) {
    if (item.found < expired) {
      ports_.jobs.remove_unreadable(item.kind, item.id);
    }
  }
}

}  // namespace tessera::service
