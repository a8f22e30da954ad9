// SPDX-License-Identifier: Apache-2.0
// Job state, the event log, tokens and the node registry. Every change of a job and its event are one
// transaction. All stores are safe to use from many threads and processes, and throw Error(unavailable) when
// the server behind them does not answer.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/clock.hpp"
#include "ports/job.hpp"
#include "ports/upload_ledger.hpp"

namespace tessera {

/// Makes a request safe to repeat: the same key with the same fingerprint returns the first response again.
struct IdempotencyKey {
  std::string key;
  std::string fingerprint;  ///< of the request's content
};

struct NewJobs {
  std::vector<Job> jobs;  ///< ids, batch_id and owner set; all of one owner and one batch
  std::optional<IdempotencyKey> idempotency;
  std::string webhook_url;       ///< empty: none
  std::string webhook_secret;    ///< signs the webhook calls
  std::int64_t max_waiting = 0;  ///< queued jobs of the owner, including these; 0: unlimited
};

struct Batch {
  std::string id;
  std::string owner;
  std::vector<std::string> job_ids;
  std::string webhook_url;
  std::string webhook_secret;
  TimePoint created{};
};

/// Fields to change; unset fields keep their values. A change whose conditions do not hold is not made.
struct JobChange {
  std::optional<JobState> state;
  std::optional<int> attempt;
  std::optional<double> fraction;
  std::optional<std::string> stage;
  std::optional<std::string> node;
  std::optional<Json> layout;
  std::optional<JobFailure> failure;
  std::optional<JobResult> result;
};

// Shared by all stores, so that they cannot differ.

/// Whether queue_again() may touch the job that was `seen`.
[[nodiscard]] bool may_queue_again(const Job& job, const Job& seen);
void apply_queue_again(Job& job, const std::string& stage, TimePoint now);
/// Whether remove_finished() may remove the job.
[[nodiscard]] bool may_remove(const Job& job, TimePoint time);
/// The name of the input of a job, if the record can be read; may be empty.
[[nodiscard]] std::string input_of_record(const std::string& record);
/// Parses and checks the content of an event. Throws Unreadable.
[[nodiscard]] Json event_data_from_text(std::string_view text);

/// Whether change() may touch the job. `generation` 0 means any.
[[nodiscard]] bool may_change(const Job& job, int generation);
/// Returns the type of the event for this change.
std::string apply_change(Job& job, const JobChange& change, TimePoint now);
/// The id of the webhook call for the job's end.
[[nodiscard]] std::string webhook_call_id(const Job& job);
[[nodiscard]] bool may_retry(const Job& job);
void apply_retry(Job& job, TimePoint now);

/// A pending webhook call: a job of the batch has become final.
struct WebhookCall {
  std::string id;  ///< one for each time a job becomes final
  std::string job_id;
  int generation = 0;  ///< of the job at that time; the call is obsolete if the job was retried since
  bool last = false;   ///< all jobs of the batch were final
  int attempt = 0;     ///< including this one
};

struct JobFilter {
  std::string owner;  ///< empty: all owners
  std::string batch_id;
  std::optional<JobState> state;
};

struct JobPage {
  std::vector<Job> jobs;  ///< newest first
  std::string next;       ///< pass it as `after` to get the next page; empty: this was the last
};

/// Throws Error(busy) if the owner's `waiting` queued jobs and `more` new ones would exceed `max_waiting`; 0:
/// unlimited.
void check_waiting(const std::string& owner, std::int64_t waiting, std::int64_t more,
                   std::int64_t max_waiting);
/// Throws nothing; `jobs` must not be empty.
[[nodiscard]] Batch batch_of(const NewJobs& jobs);

/// A record or an event that this version cannot read. It is kept unchanged for a version that can, and
/// treated as missing: other records remain readable.
struct UnreadableItem {
  std::string kind;  ///< "job", "batch" or "event"
  std::string id;
  std::string reason;
  TimePoint found{};  ///< for the first time
};

/// Longer than any retry delay of a webhook call: a call that is due later than this was scheduled by a clock
/// that was ahead, and is due now.
constexpr std::chrono::minutes farthest_webhook_call{75};

class JobStore {
 public:
  virtual ~JobStore() = default;

  /// Creates all jobs and their batch with a "queued" event each, or nothing. Returns the batch; if the
  /// idempotency key is known with the same fingerprint, the batch of the first request (`created` is then
  /// false). Throws Error(conflict) if the key is known with another fingerprint, and Error(busy) if the
  /// owner would have more queued jobs than `max_waiting`. Keys are kept for at least a day.
  struct Created {
    Batch batch;
    bool created = true;
  };
  virtual Created create(const NewJobs& jobs) = 0;

  /// Jobs are created unpublished; the gateway marks them when they are in the queue. After a crash,
  /// unpublished jobs that have not changed since `changed_before` are found here and published again.
  virtual void mark_published(const std::string& job_id, int generation) = 0;
  [[nodiscard]] virtual std::vector<Job> unpublished(TimePoint changed_before, int limit) = 0;

  [[nodiscard]] virtual std::optional<Job> find(const std::string& job_id) = 0;
  /// The jobs that exist, in the order of `job_ids`.
  [[nodiscard]] virtual std::vector<Job> find_all(const std::vector<std::string>& job_ids);
  [[nodiscard]] virtual std::optional<Batch> find_batch(const std::string& batch_id) = 0;
  [[nodiscard]] virtual JobPage list(const JobFilter& filter, const std::string& after, int limit) = 0;

  /// Makes the change and appends its event, unless the job is missing, of another generation or already
  /// final: then nothing happens and nothing is returned. `generation` 0 means any. Returns the changed job.
  virtual std::optional<Job> change(const std::string& job_id, int generation, const JobChange& change) = 0;
  /// A failed or cancelled job becomes queued and unpublished again: generation + 1, attempt 0, no failure.
  /// Returns nothing if it is missing or in another state. Throws Error(busy) if its owner would then have
  /// more queued jobs than `max_waiting`; 0: unlimited.
  virtual std::optional<Job> retry(const std::string& job_id, std::int64_t max_waiting) = 0;

  /// Jobs in the state that have not changed since `time`, the longest unchanged first.
  [[nodiscard]] virtual std::vector<Job> unchanged_since(JobState state, TimePoint time, int limit) = 0;
  /// A job whose message seems to be lost becomes queued and unpublished again, in the same generation and
  /// with its attempts kept. Nothing happens if it is final, missing, of another generation, or has changed
  /// since `seen.updated`: so if several gateways try, only one succeeds.
  virtual std::optional<Job> queue_again(const Job& seen, const std::string& stage) = 0;

  /// When a job of a batch with a webhook becomes final, the same transaction makes a call due. This claims
  /// due calls, oldest first, and makes them due again after `lease`, so that another sender makes them if
  /// the claiming process dies. Calls of the `excluded_owners` are skipped. See farthest_webhook_call.
  [[nodiscard]] virtual std::vector<WebhookCall> claim_webhook_calls(
      std::chrono::milliseconds lease, int limit, const std::vector<std::string>& excluded_owners = {}) = 0;
  /// Reschedules a claimed call for `again`; without it, the call is finished or given up.
  virtual void settle_webhook_call(const std::string& call_id, std::optional<TimePoint> again) = 0;
  /// Reschedules a claimed call that was not made: it does not count as an attempt.
  virtual void postpone_webhook_call(const std::string& call_id, TimePoint until) = 0;

  /// Final jobs last changed before `time`, oldest first: to be removed together with their objects.
  [[nodiscard]] virtual std::vector<Job> finished_before(TimePoint time, int limit) = 0;
  /// Removes the job if it is final and was last changed before `time`, in one transaction: a job that was
  /// retried meanwhile stays. Returns whether it was removed.
  virtual bool remove_finished(const std::string& job_id, TimePoint time) = 0;
  /// The inputs of all jobs that have not ended or may be retried, as of one moment: every job that existed
  /// at the time of the call and still needs its input is included.
  [[nodiscard]] virtual std::unordered_set<std::string> objects_in_use() = 0;

  /// Number of jobs by state, for metrics. The cost grows with the number of jobs.
  [[nodiscard]] virtual std::vector<std::pair<JobState, std::int64_t>> count_by_state() = 0;
  /// Number of jobs in one state. The cost is at most proportional to that number.
  [[nodiscard]] virtual std::int64_t count(JobState state) = 0;

  /// Items that any process found unreadable, oldest first.
  [[nodiscard]] virtual std::vector<UnreadableItem> unreadable(int limit) = 0;
  /// Removes the item, and the record itself if it still cannot be read. False if there is none.
  virtual bool remove_unreadable(const std::string& kind, const std::string& id) = 0;
  virtual void check() = 0;
};

struct Event {
  std::string id;    ///< opaque; compare ids with event_before()
  std::string type;  ///< "queued", "running", "progress", "storing", "done", "failed", "cancelled"
  std::string job_id;
  std::string batch_id;
  std::string owner;
  TimePoint time{};
  Json data = Json::object();  ///< the changed job, as to_json(Job)

  /// Type of an event whose content this version cannot read; `data` is null then. Only its id counts.
  static constexpr const char* unreadable = "unreadable";
};

class EventLog {
 public:
  virtual ~EventLog() = default;
  /// Events after the given id, in order, at most `limit`; waits up to `timeout` for the first. An empty id
  /// means from the oldest event in the log.
  [[nodiscard]] virtual std::vector<Event> read_after(const std::string& id, int limit,
                                                      std::chrono::milliseconds timeout) = 0;
  /// Id of the newest event; for an empty log, an id before all future events.
  [[nodiscard]] virtual std::string newest_id() = 0;
  /// Whether events after `id` may have been dropped from the bounded log: the reader must then fetch the
  /// current states.
  [[nodiscard]] virtual bool has_gap_after(const std::string& id) = 0;
  /// True if `a` came before `b`. Throws Error(usage) if either is not an id of this log.
  [[nodiscard]] virtual bool event_before(const std::string& a, const std::string& b) const = 0;
  /// Makes a waiting read_after() on this object return what it has; later calls return at once.
  virtual void stop_reading() = 0;
};

enum class Scope : std::uint8_t { submit = 1, read = 2, admin = 4, metrics = 8 };

struct Token {
  std::string hash;   ///< SHA-256 of the token, in hexadecimal; the token itself is never stored
  std::string owner;  ///< of the jobs; several tokens may have the same owner
  int scopes = 0;     ///< bitwise or of Scope values
  TimePoint created{};
  std::optional<TimePoint> expires;
};

class TokenStore {
 public:
  virtual ~TokenStore() = default;
  virtual void put(const Token& token) = 0;
  [[nodiscard]] virtual std::optional<Token> find(const std::string& hash) = 0;
  [[nodiscard]] virtual std::vector<Token> list() = 0;
  virtual bool remove(const std::string& hash) = 0;
};

/// A processing node as it describes itself; removed when it has not been announced for its lifetime.
struct NodeInfo {
  std::string id;
  std::string host;
  std::string version;
  Json details = Json::object();  ///< ranks with their hosts, threads, current jobs, restarts, state
  TimePoint seen{};
};

class NodeRegistry {
 public:
  virtual ~NodeRegistry() = default;
  virtual void announce(const NodeInfo& node, std::chrono::milliseconds lifetime) = 0;
  virtual void withdraw(const std::string& node_id) = 0;
  [[nodiscard]] virtual std::vector<NodeInfo> list() = 0;
};

/// All stores of one state server. Each is opened with its own connection or pool.
struct StateStore {
  std::unique_ptr<JobStore> jobs;
  std::unique_ptr<EventLog> events;
  std::unique_ptr<TokenStore> tokens;
  std::unique_ptr<NodeRegistry> nodes;
  std::unique_ptr<UploadLedger> uploads;
};

struct StateOptions {
  std::int64_t max_events = 1'000'000;  ///< approximate length of the log
  std::chrono::hours idempotency_lifetime{24};
  Clock now = system_now;
  /// Called with a sentence about unsafe server settings (jobs may be lost) and unreadable records.
  std::function<void(const std::string& sentence)> warn = {};
};

}  // namespace tessera
