// What has outlived its time: jobs with their results, uploads, and results that belong to no job.
//
// Why nothing is taken from a job that was accepted:
// - A job's record is removed by JobStore::remove_finished, which looks once more, in the transaction that
//   removes it, whether the job is still final and unchanged. A retry that was answered before stays; one
//   that comes after finds no job.
// - A job is accepted only with an input that has not outlived its lifetime at that moment (check_objects),
// and
//   its record is there at most `acceptance_margin` later. Uploads are removed only when they are older than
//   their lifetime by that margin, and no record names them that was there when objects_in_use() was called,
//   less than the margin ago. So suppose an upload is removed that a job needs. The job's record was not
//   there when objects_in_use() was called, at T: it was accepted after T - margin. Then the upload was
//   younger than its lifetime at T - margin, so younger than lifetime + margin at T, and was not removed.
// - Results that serve as inputs are accepted until `acceptance_margin` before their own job expires, which
//   comes to the same.
// Jobs that failed or were cancelled count too: they may be retried for as long as they are kept.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <limits>
#include <map>

#include "base/error.hpp"
#include "ports/failpoint.hpp"
#include "service/gateway/gateway.hpp"

namespace tessera::service {
namespace {

constexpr int page_size = 1000;
constexpr std::chrono::minutes longest_use_of_names{5};
static_assert(longest_use_of_names < acceptance_margin);

/// The id of a job in the name of its result; empty if there is none.
std::string job_id_in(const std::string& object) {
  constexpr std::string_view prefix = "job_";
  constexpr std::size_t id_size = prefix.size() + 26;
  const std::size_t begin = object.find(std::string("/") + std::string(prefix));
  return begin == std::string::npos || object.size() < begin + 1 + id_size
             ? std::string()
             : object.substr(begin + 1, id_size);
}

}  // namespace

/// Removes objects one by one. One that cannot be removed stops no other; what is left is found by a later
/// sweep.
class Gateway::Removals {
 public:
  explicit Removals(Gateway& gateway) : gateway_(gateway) {}
  ~Removals() {
    if (failed_ > 0) {
      gateway_.objects_kept_.fetch_add(failed_);
      gateway_.warn(
          fmt::format("{} of {} objects could not be removed, the first is '{}'", failed_, tried_, first_),
          why_);
    }
  }
  Removals(const Removals&) = delete;
  Removals& operator=(const Removals&) = delete;

  void remove(const std::string& object) {
    ++tried_;
    if (store_is_away()) {
      ++failed_;  // each further try would wait for it
      return;
    }
    try {
      gateway_.ports_.objects.remove(object);
      away_in_a_row_ = 0;
    } catch (const Error& error) {
      if (++failed_ == 1) {
        first_ = object;
        why_ = error.what();
      }
      away_in_a_row_ = error.code() == ErrorCode::unavailable ? away_in_a_row_ + 1 : 0;
    }
  }
  [[nodiscard]] bool store_is_away() const {
    constexpr int most_in_a_row = 3;
    return away_in_a_row_ >= most_in_a_row;
  }

 private:
  Gateway& gateway_;
  std::int64_t tried_ = 0;
  std::int64_t failed_ = 0;
  int away_in_a_row_ = 0;
  std::string first_;
  std::string why_;
};

TimePoint Gateway::expiry_now() {
  const TimePoint now = expiry_clock_.now();
  const std::chrono::milliseconds ahead = expiry_clock_.ahead();
  if (ahead.count() != clock_ahead_ms_.exchange(ahead.count()) && ahead.count() > 0 && options_.log) {
    options_.log->error(
        "The clock has jumped ahead by {} s. Jobs and uploads expire as if it had not, so that they are not "
        "all "
        "removed by a wrong clock. If its time is right now, start this gateway again.",
        std::chrono::duration_cast<std::chrono::seconds>(ahead).count());
  }
  return now;
}

const std::unordered_set<std::string>& Gateway::objects_in_use() {
  const auto now = std::chrono::steady_clock::now();
  if (!in_use_ || now > in_use_at_ + longest_use_of_names) {
    in_use_ = ports_.jobs.objects_in_use();
    in_use_at_ = now;
  }
  return *in_use_;
}

void Gateway::expire_jobs() {
  constexpr int most_at_once = 200;
  const TimePoint expired = expiry_now() - options_.job_lifetime;
  Removals removals(*this);
  for (const Job& job : ports_.jobs.finished_before(expired, most_at_once)) {
    if (removals.store_is_away()) {
      break;
    }
    // What a crash leaves between the two is swept with the results that belong to no job.
    if (ports_.jobs.remove_finished(job.id, expired) && job.result &&
        !objects_in_use().contains(job.result->object)) {
      reach(Failpoint::expired_record_removed);
      removals.remove(job.result->object);
    }
  }
}

bool Gateway::Sweep::begins_or_goes_on(std::chrono::milliseconds interval) {
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

void Gateway::Sweep::goes_on_after(std::string next) {
  under_way = !next.empty();
  after = std::move(next);
  if (!under_way) {
    ended = std::chrono::steady_clock::now();
  }
}

void Gateway::expire_uploads() {
  if (!upload_sweep_.begins_or_goes_on(options_.upload_sweep_interval)) {
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
  upload_sweep_.goes_on_after(page.next);
}

/// Results that no record names: of nodes that were killed before they could say that they are done, and of
/// jobs whose record went first.
void Gateway::sweep_results() {
  if (!result_sweep_.begins_or_goes_on(options_.result_sweep_interval)) {
    return;
  }
  if (result_sweep_.after.empty()) {
    forget_old_unreadable();
  }
  const TimePoint expired = expiry_now() - options_.orphan_age;
  const ObjectPage page = ports_.objects.list("results/", result_sweep_.after, page_size);
  std::map<std::string, std::string> job_ids;  // by object
  for (const ObjectInfo& object : page.objects) {
    // What has no job's id in its name was not put there by a node.
    if (const std::string id = job_id_in(object.name); object.modified < expired && !id.empty()) {
      job_ids.emplace(object.name, id);
    }
  }
  if (!job_ids.empty()) {
    std::vector<std::string> asked;
    for (const auto& [object, id] : job_ids) {
      asked.push_back(id);
    }
    std::map<std::string, Job> jobs;
    for (Job& job : ports_.jobs.find_all(asked)) {
      jobs.emplace(job.id, std::move(job));
    }
    // A record that this version cannot read may name its result all the same.
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
  result_sweep_.goes_on_after(page.next);
}

/// What cannot be read for as long as jobs are kept is not going to be.
void Gateway::forget_old_unreadable() {
  const TimePoint expired = expiry_now() - options_.job_lifetime;
  constexpr int most_at_once = 1000;
  for (const UnreadableItem& item : ports_.jobs.unreadable(most_at_once)) {
    if (item.found < expired) {
      ports_.jobs.remove_unreadable(item.kind, item.id);
    }
  }
}

}  // namespace tessera::service
