// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "adapters/sqlite/state_parts.hpp"
#include "adapters/sqlite/state_queries.hpp"
#include "adapters/sqlite/unreadable.hpp"
#include "base/error.hpp"
#include "ports/stored_json.hpp"

namespace tessera::sqlite_state {
namespace {

/// Job states are stored as numbers; their order is part of the file format.
std::int64_t number(JobState state) { return static_cast<std::int64_t>(state); }

class SqliteJobStore final : public JobStore {
 public:
  explicit SqliteJobStore(std::shared_ptr<Shared> shared)
      : shared_(std::move(shared)), database_(shared_->path), unreadable_(database_, shared_->options) {}

  Created create(const NewJobs& jobs) override {
    if (jobs.jobs.empty()) {
      throw Error(ErrorCode::usage, "There is no job to create.");
    }
    const CallGuard guard(*this);
    SqliteTransaction transaction(database_);
    const Batch batch = batch_of(jobs);
    if (jobs.idempotency) {
      if (auto known = known_batch(batch.owner, *jobs.idempotency)) {
        return {std::move(*known), false};
      }
      SqliteStatement(database_, "INSERT OR REPLACE INTO state_keys VALUES(?,?,?,?,?)", batch.owner,
                      jobs.idempotency->key, jobs.idempotency->fingerprint, batch.id, now_ms())
          .run();
    }
    check_waiting(batch.owner, read_waiting(batch.owner), std::ssize(jobs.jobs), jobs.max_waiting);
    Json ids = Json::array();
    for (const Job& job : jobs.jobs) {
      ids.push_back(job.id);
      SqliteStatement(database_, "INSERT INTO state_jobs VALUES(?,?,?,?,0,?,?)", job.id, job.batch_id,
                      job.owner, number(job.state), to_ms(job.updated), stored_text(to_json(job)))
          .run();
      append_event(database_, std::string(to_string(job.state)), job, shared_->options);
    }
    SqliteStatement(database_, "INSERT INTO state_batches VALUES(?,?,?,?,?,?)", batch.id, batch.owner,
                    ids.dump(), batch.webhook_url, batch.webhook_secret, to_ms(batch.created))
        .run();
    finish(transaction);
    return {batch, true};
  }

  void mark_published(const std::string& job_id, int generation) override {
    const CallGuard guard(*this);
    const SqliteUnsynced unsynced(database_);  // if this is lost, the job is published again
    SqliteTransaction transaction(database_);
    const auto job = read(job_id);
    if (job && job->generation == generation) {
      SqliteStatement(database_, "UPDATE state_jobs SET published=1 WHERE id=?", job_id).run();
      transaction.commit();
    }
  }

  std::vector<Job> unpublished(TimePoint changed_before, int limit) override {
    const CallGuard guard(*this);
    std::vector<std::string> unreadable;
    std::vector<Job> jobs = read_all(SqliteStatement(database_, unpublished_statement, to_ms(changed_before)),
                                     limit, &unreadable);
    for (const std::string& id : unreadable) {
      // A version that can read it finds that it has no message, and queues it again.
      SqliteStatement(database_, "UPDATE state_jobs SET published=1 WHERE id=?", id).run();
    }
    return jobs;
  }

  std::optional<Job> find(const std::string& job_id) override {
    const CallGuard guard(*this);
    return read(job_id);
  }

  std::optional<Batch> find_batch(const std::string& batch_id) override {
    const CallGuard guard(*this);
    return read_batch(batch_id);
  }

  JobPage list(const JobFilter& filter, const std::string& after, int limit) override {
    const CallGuard guard(*this);
    // One more than requested, to know whether there are others.
    JobPage page;
    SqliteStatement rows(database_, list_statement(filter, !after.empty()));
    int index = 0;
    for (const std::string& text : {filter.owner, filter.batch_id}) {
      if (!text.empty()) {
        rows.bind(++index, text);
      }
    }
    if (filter.state) {
      rows.bind(++index, number(*filter.state));
    }
    if (!after.empty()) {
      rows.bind(++index, after);
    }
    page.jobs = read_all(std::move(rows), limit + 1);
    if (static_cast<int>(page.jobs.size()) > limit) {
      page.jobs.pop_back();
      page.next = page.jobs.empty() ? after : page.jobs.back().id;
    }
    return page;
  }

  std::optional<Job> change(const std::string& job_id, int generation, const JobChange& change) override {
    const CallGuard guard(*this);
    SqliteTransaction transaction(database_);
    std::optional<Job> job = read(job_id);
    if (!job || !may_change(*job, generation)) {
      return std::nullopt;
    }
    const std::string event = apply_change(*job, change, shared_->options.now());
    write(*job);
    append_event(database_, event, *job, shared_->options);
    if (is_final(job->state)) {
      SqliteStatement(database_,
                      "INSERT OR IGNORE INTO state_webhook_calls SELECT ?, ?, ?,"
                      " NOT EXISTS (SELECT 1 FROM state_jobs WHERE batch_id=? AND state<?), 0, ?"
                      " FROM state_batches WHERE id=? AND webhook_url<>''",
                      webhook_call_id(*job), job->id, std::int64_t{job->generation}, job->batch_id,
                      number(JobState::done), now_ms(), job->batch_id)
          .run();
    }
    finish(transaction);
    return job;
  }

  std::vector<WebhookCall> claim_webhook_calls(std::chrono::milliseconds lease, int limit,
                                               const std::vector<std::string>& excluded_owners) override {
    const CallGuard guard(*this);
    {
      // Usually there is none, and this query takes no write lock.
      SqliteStatement any(database_, "SELECT 1 FROM state_webhook_calls WHERE due_ms<=? OR due_ms>? LIMIT 1",
                          now_ms(), farthest_call_ms());
      if (!any.step()) {
        return {};
      }
    }
    SqliteTransaction transaction(database_);
    std::vector<WebhookCall> calls;
    {
      SqliteStatement row(
          database_,
          "SELECT id, job_id, generation, last, attempts + 1 FROM state_webhook_calls"
          " WHERE (due_ms<=?1 OR due_ms>?4) AND (?2='[]' OR COALESCE((SELECT owner FROM state_jobs"
          " WHERE state_jobs.id=job_id),'') NOT IN (SELECT value FROM json_each(?2)))"
          " ORDER BY due_ms LIMIT ?3",
          now_ms(), Json(excluded_owners).dump(), std::int64_t{limit}, farthest_call_ms());
      while (row.step()) {
        calls.push_back({row.text(0), row.text(1), static_cast<int>(row.integer(2)), row.integer(3) != 0,
                         static_cast<int>(row.integer(4))});
      }
    }
    for (const WebhookCall& call : calls) {
      SqliteStatement(database_, "UPDATE state_webhook_calls SET due_ms=?, attempts=? WHERE id=?",
                      now_ms() + lease.count(), std::int64_t{call.attempt}, call.id)
          .run();
    }
    transaction.commit();
    return calls;
  }

  void settle_webhook_call(const std::string& call_id, std::optional<TimePoint> again) override {
    const CallGuard guard(*this);
    SqliteTransaction transaction(database_);
    if (again) {
      SqliteStatement(database_, "UPDATE state_webhook_calls SET due_ms=? WHERE id=?", to_ms(*again), call_id)
          .run();
    } else {
      SqliteStatement(database_, "DELETE FROM state_webhook_calls WHERE id=?", call_id).run();
    }
    transaction.commit();
  }

  void postpone_webhook_call(const std::string& call_id, TimePoint until) override {
    const CallGuard guard(*this);
    SqliteStatement(database_, "UPDATE state_webhook_calls SET due_ms=?, attempts=attempts-1 WHERE id=?",
                    to_ms(until), call_id)
        .run();
  }

  std::optional<Job> retry(const std::string& job_id, std::int64_t max_waiting) override {
    const CallGuard guard(*this);
    SqliteTransaction transaction(database_);
    std::optional<Job> job = read(job_id);
    if (!job || !may_retry(*job)) {
      return std::nullopt;
    }
    check_waiting(job->owner, read_waiting(job->owner), 1, max_waiting);
    apply_retry(*job, shared_->options.now());
    write(*job);
    SqliteStatement(database_, "UPDATE state_jobs SET published=0 WHERE id=?", job_id).run();
    append_event(database_, std::string(to_string(job->state)), *job, shared_->options);
    finish(transaction);
    return job;
  }

  std::vector<Job> unchanged_since(JobState state, TimePoint time, int limit) override {
    const CallGuard guard(*this);
    return read_unchanged(state, time, limit);
  }

  std::optional<Job> queue_again(const Job& seen, const std::string& stage) override {
    const CallGuard guard(*this);
    SqliteTransaction transaction(database_);
    std::optional<Job> job = read(seen.id);
    if (!job || !may_queue_again(*job, seen)) {
      return std::nullopt;
    }
    apply_queue_again(*job, stage, shared_->options.now());
    write(*job);
    SqliteStatement(database_, "UPDATE state_jobs SET published=0 WHERE id=?", job->id).run();
    append_event(database_, std::string(to_string(job->state)), *job, shared_->options);
    finish(transaction);
    return job;
  }

  std::vector<Job> finished_before(TimePoint time, int limit) override {
    const CallGuard guard(*this);
    std::vector<Job> jobs;
    for (const JobState state : {JobState::done, JobState::failed, JobState::cancelled}) {
      std::ranges::move(read_unchanged(state, time, limit), std::back_inserter(jobs));
    }
    std::ranges::sort(jobs, {}, &Job::updated);
    jobs.resize(std::min(jobs.size(), static_cast<std::size_t>(std::max(limit, 0))));
    return jobs;
  }

  bool remove_finished(const std::string& job_id, TimePoint time) override {
    const CallGuard guard(*this);
    SqliteTransaction transaction(database_);
    const auto job = read(job_id);
    if (!job || !may_remove(*job, time)) {
      return false;
    }
    remove_record(job_id);
    transaction.commit();
    return true;
  }

  std::unordered_set<std::string> objects_in_use() override {
    // On a separate connection and by one statement: it sees one moment and blocks no other call.
    SqliteDatabase snapshot(shared_->path);
    SqliteStatement row(snapshot, "SELECT record FROM state_jobs WHERE state IN (?,?,?,?,?)",
                        number(JobState::queued), number(JobState::running), number(JobState::storing),
                        number(JobState::failed), number(JobState::cancelled));
    std::unordered_set<std::string> objects;
    while (row.step()) {
      objects.insert(input_of_record(row.text(0)));
    }
    return objects;
  }

  std::vector<std::pair<JobState, std::int64_t>> count_by_state() override {
    const CallGuard guard(*this);
    SqliteStatement row(database_, "SELECT state, COUNT(*) FROM state_jobs GROUP BY state");
    std::vector<std::pair<JobState, std::int64_t>> counts;
    while (row.step()) {
      counts.emplace_back(static_cast<JobState>(row.integer(0)), row.integer(1));
    }
    return counts;
  }

  std::int64_t count(JobState state) override {
    const CallGuard guard(*this);
    SqliteStatement row(database_, count_statement, number(state));
    row.step();
    return row.integer(0);
  }

  std::vector<UnreadableItem> unreadable(int limit) override {
    const CallGuard guard(*this);
    return unreadable_.list(limit);
  }

  bool remove_unreadable(const std::string& kind, const std::string& id) override {
    const CallGuard guard(*this);
    SqliteTransaction transaction(database_);
    if (kind == "job" && !read(id)) {
      remove_record(id);
    }
    const bool removed = unreadable_.remove(kind, id);
    transaction.commit();
    return removed;
  }

  void check() override {
    const CallGuard guard(*this);
    SqliteStatement(database_, "SELECT version FROM state_schema").run();
  }

 private:
  /// Gives one call at a time the connection. Unreadable items found meanwhile are recorded when its
  /// transaction is over.
  class CallGuard {
   public:
    explicit CallGuard(SqliteJobStore& store) : store_(store), guard_(store.mutex_) {}
    ~CallGuard() { store_.unreadable_.save(); }
    CallGuard(const CallGuard&) = delete;
    CallGuard& operator=(const CallGuard&) = delete;

   private:
    SqliteJobStore& store_;
    std::lock_guard<std::mutex> guard_;
  };
  [[nodiscard]] std::int64_t now_ms() const { return to_ms(shared_->options.now()); }
  [[nodiscard]] std::int64_t farthest_call_ms() const {
    return now_ms() + std::chrono::milliseconds(farthest_webhook_call).count();
  }

  void finish(SqliteTransaction& transaction) {
    transaction.commit();
    shared_->event_notifier->notify();
  }

  std::optional<Batch> known_batch(const std::string& owner, const IdempotencyKey& key) {
    const std::int64_t oldest =
        now_ms() - std::chrono::milliseconds(shared_->options.idempotency_lifetime).count();
    SqliteStatement(database_, "DELETE FROM state_keys WHERE created_ms<?", oldest).run();
    SqliteStatement row(database_, "SELECT fingerprint, batch_id FROM state_keys WHERE owner=? AND key=?",
                        owner, key.key);
    if (!row.step()) {
      return std::nullopt;
    }
    if (row.text(0) != key.fingerprint) {
      throw Error(
          ErrorCode::conflict,
          fmt::format("The idempotency key '{}' was used for another request: use a new one.", key.key));
    }
    return read_batch(row.text(1));
  }

  std::int64_t read_waiting(const std::string& owner) {
    // The state is a literal here, as in the index that this uses.
    static_assert(static_cast<int>(JobState::queued) == 0);
    SqliteStatement row(database_, "SELECT COUNT(*) FROM state_jobs WHERE owner=? AND state=0", owner);
    row.step();
    return row.integer(0);
  }

  std::optional<Job> read(const std::string& job_id) {
    SqliteStatement row(database_, "SELECT record FROM state_jobs WHERE id=?", job_id);
    return row.step() ? readable(job_id, row.text(0)) : std::nullopt;
  }
  /// Nothing if it cannot be read.
  std::optional<Job> readable(const std::string& job_id, const std::string& record) {
    try {
      Job job = job_from_text(record);
      if (job.id != job_id) {
        throw Unreadable("The record of a job has another id.");
      }
      return job;
    } catch (const Unreadable& error) {
      unreadable_.found("job", job_id, error.what());
      return std::nullopt;
    }
  }
  /// The first `limit` that can be read.
  std::vector<Job> read_all(SqliteStatement rows, int limit, std::vector<std::string>* unreadable = nullptr) {
    std::vector<Job> jobs;
    while (static_cast<int>(jobs.size()) < limit && rows.step()) {
      const std::string id = rows.text(0);
      if (auto job = readable(id, rows.text(1))) {
        jobs.push_back(std::move(*job));
      } else if (unreadable != nullptr) {
        unreadable->push_back(id);
      }
    }
    return jobs;
  }
  std::vector<Job> read_unchanged(JobState state, TimePoint time, int limit) {
    return read_all(SqliteStatement(database_, unchanged_statement, number(state), to_ms(time)), limit);
  }
  void remove_record(const std::string& job_id) {
    SqliteStatement(database_, "DELETE FROM state_webhook_calls WHERE job_id=?", job_id).run();
    SqliteStatement(
        database_,
        "DELETE FROM state_batches WHERE id=(SELECT batch_id FROM state_jobs WHERE id=?) AND NOT EXISTS"
        " (SELECT 1 FROM state_jobs WHERE batch_id=state_batches.id AND id<>?)",
        job_id, job_id)
        .run();
    SqliteStatement(database_, "DELETE FROM state_jobs WHERE id=?", job_id).run();
  }
  void write(const Job& job) {
    SqliteStatement(database_, "UPDATE state_jobs SET state=?, updated_ms=?, record=? WHERE id=?",
                    number(job.state), to_ms(job.updated), stored_text(to_json(job)), job.id)
        .run();
  }
  std::optional<Batch> read_batch(const std::string& batch_id) {
    SqliteStatement row(database_,
                        "SELECT owner, jobs, webhook_url, webhook_secret, created_ms FROM state_batches"
                        " WHERE id=?",
                        batch_id);
    if (!row.step()) {
      return std::nullopt;
    }
    Batch batch{batch_id, row.text(0), {}, row.text(2), row.text(3), from_ms(row.integer(4))};
    try {
      const Json ids{{"jobs", parse_stored(row.text(1), "the list of jobs of a batch")}};
      batch.job_ids = StoredFields(ids, "the record of a batch").texts("jobs");
    } catch (const Unreadable& error) {
      unreadable_.found("batch", batch_id, error.what());
      return std::nullopt;
    }
    return batch;
  }

  std::shared_ptr<Shared> shared_;
  std::mutex mutex_;
  SqliteDatabase database_;
  UnreadableNotes unreadable_;
};

}  // namespace

std::unique_ptr<JobStore> open_jobs(std::shared_ptr<Shared> shared) {
  return std::make_unique<SqliteJobStore>(std::move(shared));
}

}  // namespace tessera::sqlite_state
