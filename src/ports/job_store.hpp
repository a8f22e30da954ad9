// The state of jobs, the log of what happened to them, and who may ask. Every change of a job and the event
// that tells of it are one transaction. All are safe to use from many threads and processes, and throw
// Error(unavailable) when the server behind them does not answer.
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

/// Identifies a request that may be sent twice: the same key with the same fingerprint gives the first
/// answer again.
struct IdempotencyKey {
  std::string key;
  std::string fingerprint;  ///< of the request's content
};

struct NewJobs {
  std::vector<Job> jobs;  ///< ids, batch_id and owner set; all of one owner and one batch
  std::optional<IdempotencyKey> idempotency;
  std::string webhook_url;       ///< empty: none
  std::string webhook_secret;    ///< signs what is sent there
  std::int64_t max_waiting = 0;  ///< queued jobs of the owner, these included; 0: any number
};

struct Batch {
  std::string id;
  std::string owner;
  std::vector<std::string> job_ids;
  std::string webhook_url;
  std::string webhook_secret;
  TimePoint created{};
};

/// What to change; what is not set stays. A change whose conditions do not hold is not made.
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

// What every store does to a job, so that they cannot differ.

/// Whether queue_again() may touch the job that was `seen`.
[[nodiscard]] bool may_queue_again(const Job& job, const Job& seen);
void apply_queue_again(Job& job, const std::string& stage, TimePoint now);
/// Whether remove_finished() may remove the job.
[[nodiscard]] bool may_remove(const Job& job, TimePoint time);
/// The name of the input of a job, as far as the record can be read; may be empty.
[[nodiscard]] std::string input_of_record(const std::string& record);
/// The content of an event, checked. Throws Unreadable.
[[nodiscard]] Json event_data_from_text(std::string_view text);

/// Whether change() may touch the job. `generation` 0 means any.
[[nodiscard]] bool may_change(const Job& job, int generation);
/// Returns the type of the event that tells of it.
std::string apply_change(Job& job, const JobChange& change, TimePoint now);
/// Of the webhook call that tells of the job's end.
[[nodiscard]] std::string webhook_call_id(const Job& job);
[[nodiscard]] bool may_retry(const Job& job);
void apply_retry(Job& job, TimePoint now);

/// A webhook has something to tell: a job of its batch has become final.
struct WebhookCall {
  std::string id;  ///< one for each time a job becomes final
  std::string job_id;
  int generation = 0;  ///< of the job then; a job that was retried since has other things to tell
  bool last = false;   ///< no other job of the batch was under way any more
  int attempt = 0;     ///< this one counted
};

struct JobFilter {
  std::string owner;  ///< empty: everyone's
  std::string batch_id;
  std::optional<JobState> state;
};

struct JobPage {
  std::vector<Job> jobs;  ///< newest first
  std::string next;       ///< pass it as `after` to get what follows; empty: that was all
};

/// Throws Error(busy) if the owner's `waiting` queued jobs and so many more would exceed `max_waiting`; 0:
/// any number.
void check_waiting(const std::string& owner, std::int64_t waiting, std::int64_t more,
                   std::int64_t max_waiting);
/// Throws nothing; `jobs` must not be empty.
[[nodiscard]] Batch batch_of(const NewJobs& jobs);

/// A record or an event that this version cannot read. It is left as it is, for a version that can, and looks
/// as if it were not there: it stops nobody from reading what is beside it.
struct UnreadableItem {
  std::string kind;  ///< "job", "batch" or "event"
  std::string id;
  std::string reason;
  TimePoint found{};  ///< for the first time
};

/// Longer than calls of webhooks are put off: one that is due later was put off by a clock that was ahead,
/// and is due now.
constexpr std::chrono::minutes farthest_webhook_call{75};

class JobStore {
 public:
  virtual ~JobStore() = default;

  /// Creates all jobs and their batch with a "queued" event each, or nothing. Returns the batch: the first
  /// one's when the idempotency key is known with the same fingerprint (`created` tells them apart). Throws
  /// Error(conflict) if it is known with another fingerprint, and Error(busy) if the owner would have more
  /// queued jobs than `max_waiting`. Keys are kept for a day at least.
  struct Created {
    Batch batch;
    bool created = true;
  };
  virtual Created create(const NewJobs& jobs) = 0;

  /// Jobs are created unpublished; the gateway marks them when the queue has them. Those that stay behind
  /// after a crash, unchanged since `changed_before`, are found here and published again.
  virtual void mark_published(const std::string& job_id, int generation) = 0;
  [[nodiscard]] virtual std::vector<Job> unpublished(TimePoint changed_before, int limit) = 0;

  [[nodiscard]] virtual std::optional<Job> find(const std::string& job_id) = 0;
  /// Those of them that there are, in the order of their ids here.
  [[nodiscard]] virtual std::vector<Job> find_all(const std::vector<std::string>& job_ids);
  [[nodiscard]] virtual std::optional<Batch> find_batch(const std::string& batch_id) = 0;
  [[nodiscard]] virtual JobPage list(const JobFilter& filter, const std::string& after, int limit) = 0;

  /// Makes the change and appends its event, unless the job is gone, is of another generation, or is final
  /// already: then nothing happens and nothing is returned. `generation` 0 means any. Returns the job as it
  /// is after the change.
  virtual std::optional<Job> change(const std::string& job_id, int generation, const JobChange& change) = 0;
  /// A failed or cancelled job becomes queued and unpublished again: generation + 1, attempt 0, no failure.
  /// Nothing is returned if it is in another state or gone. Throws Error(busy) if its owner would then have
  /// more queued jobs than `max_waiting`; 0: any number.
  virtual std::optional<Job> retry(const std::string& job_id, std::int64_t max_waiting) = 0;

  /// Jobs in the state that have not changed since `time`, those that changed longest ago first.
  [[nodiscard]] virtual std::vector<Job> unchanged_since(JobState state, TimePoint time, int limit) = 0;
  /// A job whose message seems to be lost becomes queued and unpublished again, in the same generation and
  /// with its attempts kept. Nothing happens if it is final, gone, of another generation, or has changed
  /// since `seen.updated`: so of many who see the same, one does it.
  virtual std::optional<Job> queue_again(const Job& seen, const std::string& stage) = 0;

  /// When a job becomes final whose batch has a webhook, the same transaction makes a call due. This takes
  /// calls that are due, the oldest first, and makes them due again after `lease`, so that others make those
  /// of one who died over them. Calls of the owners in `not_of` are passed over. See farthest_webhook_call.
  [[nodiscard]] virtual std::vector<WebhookCall> take_webhook_calls(
      std::chrono::milliseconds lease, int limit, const std::vector<std::string>& not_of = {}) = 0;
  /// Puts a taken call off until `again`; without it, the call was made or is given up.
  virtual void settle_webhook_call(const std::string& call_id, std::optional<TimePoint> again) = 0;
  /// Puts a taken call off that was not made: it does not count as an attempt.
  virtual void postpone_webhook_call(const std::string& call_id, TimePoint until) = 0;

  /// Final jobs last changed before `time`, oldest first: to be removed with their objects.
  [[nodiscard]] virtual std::vector<Job> finished_before(TimePoint time, int limit) = 0;
  /// Removes the job if it is final and was last changed before `time`, in one transaction: a job that was
  /// retried meanwhile stays. Returns whether it was removed.
  virtual bool remove_finished(const std::string& job_id, TimePoint time) = 0;
  /// The inputs of all jobs that have not ended or may be retried. Of one moment: a job that was there when
  /// it was called, and needs its input still, is among them.
  [[nodiscard]] virtual std::unordered_set<std::string> objects_in_use() = 0;

  /// Jobs by state, for metrics: costs as much as there are jobs.
  [[nodiscard]] virtual std::vector<std::pair<JobState, std::int64_t>> count_by_state() = 0;
  /// Jobs in one state: costs at most as much as there are such.
  [[nodiscard]] virtual std::int64_t count(JobState state) = 0;

  /// What was found to be unreadable by any process, the oldest first.
  [[nodiscard]] virtual std::vector<UnreadableItem> unreadable(int limit) = 0;
  /// Removes the item, with the record itself where that cannot be read still. False if there is none.
  virtual bool remove_unreadable(const std::string& kind, const std::string& id) = 0;
  virtual void check() = 0;
};

struct Event {
  std::string id;    ///< opaque; ids of later events compare greater with event_before()
  std::string type;  ///< "queued", "running", "progress", "storing", "done", "failed", "cancelled"
  std::string job_id;
  std::string batch_id;
  std::string owner;
  TimePoint time{};
  Json data = Json::object();  ///< the job after the change, as to_json(Job) gives it

  /// Type of an event whose content this version cannot read; `data` is null then. Only its id counts.
  static constexpr const char* unreadable = "unreadable";
};

class EventLog {
 public:
  virtual ~EventLog() = default;
  /// Events after the one named, in order, at most `limit`; waits for the first at most `patience`. An empty
  /// id means from the oldest kept on.
  [[nodiscard]] virtual std::vector<Event> read_after(const std::string& id, int limit,
                                                      std::chrono::milliseconds patience) = 0;
  /// Of the newest event; of an empty log one that is before all events to come.
  [[nodiscard]] virtual std::string newest_id() = 0;
  /// Whether events after `id` may have been dropped because the log is kept only so long: who asks from
  /// there must fetch states afresh.
  [[nodiscard]] virtual bool has_gap_after(const std::string& id) = 0;
  /// True if `a` came before `b`. Throws Error(usage) for what is no id of this log.
  [[nodiscard]] virtual bool event_before(const std::string& a, const std::string& b) const = 0;
  /// Ends a waiting read_after on this object, which then returns what it has; later ones return at once.
  virtual void stop_reading() = 0;
};

enum class Scope : std::uint8_t { submit = 1, read = 2, admin = 4, metrics = 8 };

struct Token {
  std::string hash;   ///< SHA-256 of the token, in hexadecimal; the token itself is never stored
  std::string owner;  ///< jobs belong to owners; several tokens may have the same
  int scopes = 0;     ///< of Scope, added
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

/// A processing node as it describes itself; gone when it has not been heard of for its lifetime.
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

/// All that one server keeps. Opened with a connection or a pool of its own.
struct StateStore {
  std::unique_ptr<JobStore> jobs;
  std::unique_ptr<EventLog> events;
  std::unique_ptr<TokenStore> tokens;
  std::unique_ptr<NodeRegistry> nodes;
  std::unique_ptr<UploadLedger> uploads;
};

struct StateOptions {
  std::int64_t max_events = 1'000'000;  ///< kept in the log, about
  std::chrono::hours idempotency_lifetime{24};
  Clock now = system_now;
  /// Told, in a sentence, of settings of the server that may lose jobs, and of what cannot be read.
  std::function<void(const std::string& sentence)> warn = {};
};

}  // namespace tessera
