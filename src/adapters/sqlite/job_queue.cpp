// SPDX-License-Identifier: Apache-2.0
#include "adapters/sqlite/job_queue.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <mutex>

#include "adapters/sqlite/change_notifier.hpp"
#include "adapters/sqlite/consumer_liveness_lock.hpp"
#include "adapters/sqlite/database.hpp"
#include "base/error.hpp"

namespace tessera {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

// How soon messages of other processes, and those of dead consumers, are found. A poll costs some
// microseconds.
constexpr std::chrono::milliseconds poll_interval{50};
constexpr std::chrono::milliseconds maintenance_interval{1000};
// Even a receive() without timeout waits briefly for a concurrent writer.
constexpr std::chrono::milliseconds min_busy_timeout{100};

constexpr const char* tables = R"(
CREATE TABLE IF NOT EXISTS queue_schema(version INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS queue_messages(
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  priority INTEGER NOT NULL,
  job_id TEXT NOT NULL,
  generation INTEGER NOT NULL,
  request_id TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  taker INTEGER);
CREATE INDEX IF NOT EXISTS queue_waiting ON queue_messages(priority, sequence) WHERE taker IS NULL;
CREATE INDEX IF NOT EXISTS queue_taken ON queue_messages(taker) WHERE taker IS NOT NULL;
CREATE TABLE IF NOT EXISTS queue_dead(
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  priority INTEGER NOT NULL,
  job_id TEXT NOT NULL,
  generation INTEGER NOT NULL,
  request_id TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  reason TEXT NOT NULL,
  time_ms INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS queue_postponed(
  sequence INTEGER PRIMARY KEY,
  since_ms INTEGER NOT NULL,
  until_ms INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS queue_takers(id INTEGER PRIMARY KEY AUTOINCREMENT);
)";
// Messages that wait and are not postponed. Setting the clock back ends a postponement. The table is separate
// from the messages so that the previous release can still work with the file.
constexpr const char* ready_messages =
    " FROM queue_messages WHERE taker IS NULL AND sequence NOT IN"
    " (SELECT sequence FROM queue_postponed WHERE since_ms<=?1 AND until_ms>?1)";
constexpr SqliteSchema schema{tables, "queue_schema", 1, "a queue"};

QueueMessage message_from(const SqliteStatement& row, int first) {
  QueueMessage message;
  message.priority = row.integer(first) == 0 ? Priority::interactive : Priority::bulk;
  message.job_id = row.text(first + 1);
  message.generation = static_cast<int>(row.integer(first + 2));
  message.request_id = row.text(first + 3);
  return message;
}

std::filesystem::path with_suffix(std::filesystem::path path, const char* suffix) {
  path += suffix;
  return path;
}

class SqliteJobQueue final : public JobQueue {
 public:
  SqliteJobQueue(const std::filesystem::path& path, const QueueOptions& options)
      : options_(options), database_(path), lock_(with_suffix(path, "-takers")) {
    database_.set_busy_timeout(options_.publish_timeout);
    make_schema(database_, schema);
    consumer_ = new_consumer();
    lock_.hold(consumer_);
    notifier_ = change_notifier_of(path);
    requeue_messages_of_dead_consumers();
  }

  ~SqliteJobQueue() override {
    try {
      requeue_messages_of(consumer_);
    } catch (const Error&) {
      // The liveness lock ends here, so another consumer requeues them.
    }
  }
  SqliteJobQueue(const SqliteJobQueue&) = delete;
  SqliteJobQueue& operator=(const SqliteJobQueue&) = delete;

  void publish(const QueueMessage& message) override {
    const std::lock_guard guard(mutex_);
    insert(message);
    notifier_->notify();
  }

  std::optional<Delivery> receive(std::chrono::milliseconds timeout) override {
    const SteadyTime deadline = std::chrono::steady_clock::now() + timeout;
    std::unique_lock guard(mutex_);
    while (!stopped_) {
      const std::uint64_t seen = notifier_->count();
      const bool free = static_cast<int>(unacknowledged_.size()) < options_.prefetch;
      if (free) {
        if (auto delivery = try_receive(deadline)) {
          return delivery;
        }
      }
      const SteadyTime now = std::chrono::steady_clock::now();
      if (now >= deadline) {
        break;
      }
      guard.unlock();
      notifier_->wait(seen, free ? std::min(deadline, now + poll_interval) : deadline);
      guard.lock();
    }
    return std::nullopt;
  }

  void stop_receiving() override {
    const std::lock_guard guard(mutex_);
    stopped_ = true;
    notifier_->notify();
  }

  void acknowledge(std::uint64_t tag) override {
    const std::lock_guard guard(mutex_);
    if (const auto found = unacknowledged_.find(tag); found != unacknowledged_.end()) {
      // If this commit is lost, the message is delivered again and its consumer finds the job done.
      const SqliteUnsynced unsynced(database_);
      SqliteStatement(database_, "DELETE FROM queue_messages WHERE sequence=? AND taker=?", found->second,
                      consumer_)
          .run();
      end(found);
    }
  }

  void postpone(std::uint64_t tag, std::chrono::milliseconds delay) override {
    const std::lock_guard guard(mutex_);
    if (const auto found = unacknowledged_.find(tag); found != unacknowledged_.end()) {
      SqliteTransaction transaction(database_);
      SqliteStatement(
          database_, "UPDATE queue_messages SET taker=NULL, attempts=attempts-1 WHERE sequence=? AND taker=?",
          found->second, consumer_)
          .run();
      if (database_.changes() > 0 && delay.count() > 0) {
        const std::int64_t now = to_ms(system_now());
        SqliteStatement(database_, "INSERT OR REPLACE INTO queue_postponed VALUES(?,?,?)", found->second, now,
                        now + delay.count())
            .run();
      }
      transaction.commit();
      end(found);
    }
  }

  void requeue(std::uint64_t tag) override {
    const std::lock_guard guard(mutex_);
    if (const auto found = unacknowledged_.find(tag); found != unacknowledged_.end()) {
      SqliteTransaction transaction(database_);
      requeue_or_dead_letter(found->second, "requeued");
      transaction.commit();
      end(found);
    }
  }

  void dead_letter(std::uint64_t tag, const std::string& reason) override {
    const std::lock_guard guard(mutex_);
    if (const auto found = unacknowledged_.find(tag); found != unacknowledged_.end()) {
      SqliteTransaction transaction(database_);
      move_to_dead_letters(found->second, reason);
      transaction.commit();
      end(found);
    }
  }

  QueueDepth depth() override {
    const std::lock_guard guard(mutex_);
    run_maintenance();
    SqliteStatement row(database_,
                        "SELECT (SELECT COUNT(*) FROM queue_messages WHERE taker IS NULL),"
                        " (SELECT COUNT(*) FROM queue_messages WHERE taker IS NOT NULL),"
                        " (SELECT COUNT(*) FROM queue_dead)");
    row.step();
    return {.waiting = row.integer(0), .unacknowledged = row.integer(1), .dead = row.integer(2)};
  }

  std::vector<DeadLetter> dead_letters(int limit) override {
    const std::lock_guard guard(mutex_);
    SqliteStatement row(database_,
                        "SELECT sequence, priority, job_id, generation, request_id, attempts, reason, time_ms"
                        " FROM queue_dead ORDER BY sequence LIMIT ?",
                        std::int64_t{limit});
    std::vector<DeadLetter> letters;
    while (row.step()) {
      letters.push_back({.id = std::to_string(row.integer(0)),
                         .message = message_from(row, 1),
                         .reason = row.text(6),
                         .attempts = static_cast<int>(row.integer(5)),
                         .when = from_ms(row.integer(7))});
    }
    return letters;
  }

  bool redrive(const std::string& id) override {
    const std::lock_guard guard(mutex_);
    SqliteTransaction transaction(database_);
    const std::optional<QueueMessage> message = remove_dead_letter(id);
    if (message) {
      insert(*message);
      transaction.commit();
      notifier_->notify();
    }
    return message.has_value();
  }

  bool purge(const std::string& id) override {
    const std::lock_guard guard(mutex_);
    return remove_dead_letter(id).has_value();
  }

  void check() override {
    const std::lock_guard guard(mutex_);
    SqliteStatement(database_, "SELECT COUNT(*) FROM queue_takers").run();
  }

 private:
  using Unacknowledged = std::map<std::uint64_t, std::int64_t>;

  std::int64_t new_consumer() {
    SqliteTransaction transaction(database_);
    database_.execute("INSERT INTO queue_takers DEFAULT VALUES");
    const std::int64_t id = database_.last_row();
    database_.execute("DELETE FROM queue_takers");
    transaction.commit();
    return id;
  }

  void insert(const QueueMessage& message) {
    SqliteStatement(database_,
                    "INSERT INTO queue_messages(priority, job_id, generation, request_id) VALUES(?,?,?,?)",
                    static_cast<std::int64_t>(message.priority), message.job_id,
                    std::int64_t{message.generation}, message.request_id)
        .run();
  }

  /// Also returns nothing if other writers hold the lock for too long.
  std::optional<Delivery> try_receive(SteadyTime deadline) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    database_.set_busy_timeout(std::min(options_.publish_timeout, std::max(left, min_busy_timeout)));
    std::optional<Delivery> delivery;
    try {
      run_maintenance();
      delivery = receive_next();
    } catch (const Error& error) {
      if (error.code() != ErrorCode::unavailable) {
        throw;
      }
    }
    database_.set_busy_timeout(options_.publish_timeout);
    return delivery;
  }

  std::optional<Delivery> receive_next() {
    // This query takes no write lock, so waiting consumers do not disturb writers.
    const std::int64_t now = to_ms(system_now());
    SqliteStatement waiting(database_, fmt::format("SELECT 1{} LIMIT 1", ready_messages), now);
    if (!waiting.step()) {
      return std::nullopt;
    }
    waiting.run();
    // If this commit is lost, so is this consumer, and the message is requeued.
    const SqliteUnsynced unsynced(database_);
    SqliteStatement row(database_,
                        fmt::format("UPDATE queue_messages SET taker=?2, attempts=attempts+1 WHERE sequence="
                                    "(SELECT sequence{} ORDER BY priority, sequence LIMIT 1)"
                                    " RETURNING sequence, attempts, priority, job_id, generation, request_id",
                                    ready_messages),
                        now, consumer_);
    if (!row.step()) {
      return std::nullopt;
    }
    const std::int64_t sequence = row.integer(0);
    Delivery delivery{
        .message = message_from(row, 2), .attempt = static_cast<int>(row.integer(1)), .tag = next_tag_++};
    row.run();
    unacknowledged_.emplace(delivery.tag, sequence);
    return delivery;
  }

  void end(Unacknowledged::iterator found) {
    unacknowledged_.erase(found);
    notifier_->notify();
  }

  void move_to_dead_letters(std::int64_t sequence, const std::string& reason) {
    SqliteStatement(database_,
                    "INSERT INTO queue_dead(priority, job_id, generation, request_id, attempts, reason, "
                    "time_ms) SELECT priority, job_id, generation, request_id, attempts, ?, ? FROM "
                    "queue_messages WHERE sequence=?",
                    reason, to_ms(system_now()), sequence)
        .run();
    SqliteStatement(database_, "DELETE FROM queue_messages WHERE sequence=?", sequence).run();
  }

  std::optional<QueueMessage> remove_dead_letter(const std::string& id) {
    std::int64_t sequence = 0;
    const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), sequence);
    if (error != std::errc() || end != id.data() + id.size()) {
      return std::nullopt;
    }
    SqliteStatement row(
        database_,
        "DELETE FROM queue_dead WHERE sequence=? RETURNING priority, job_id, generation, request_id",
        sequence);
    if (!row.step()) {
      return std::nullopt;
    }
    const QueueMessage message = message_from(row, 0);
    row.run();
    return message;
  }

  /// Requeues the message at its old position, or dead-letters it after too many attempts.
  void requeue_or_dead_letter(std::int64_t sequence, const char* how) {
    SqliteStatement row(database_, "SELECT attempts FROM queue_messages WHERE sequence=?", sequence);
    if (!row.step()) {
      return;
    }
    const std::int64_t attempts = row.integer(0);
    row.run();
    if (attempts >= options_.delivery_limit) {
      move_to_dead_letters(
          sequence,
          fmt::format("Delivered {} times without success, which is the limit; the last time it was {}.",
                      attempts, how));
    } else {
      SqliteStatement(database_, "UPDATE queue_messages SET taker=NULL WHERE sequence=?", sequence).run();
    }
  }

  void requeue_messages_of(std::int64_t consumer) {
    std::vector<std::int64_t> sequences;
    SqliteTransaction transaction(database_);
    SqliteStatement row(database_, "SELECT sequence FROM queue_messages WHERE taker=? ORDER BY sequence",
                        consumer);
    while (row.step()) {
      sequences.push_back(row.integer(0));
    }
    for (const std::int64_t sequence : sequences) {
      requeue_or_dead_letter(sequence, "lost with the process that held it");
    }
    transaction.commit();
  }

  void requeue_messages_of_dead_consumers() {
    std::vector<std::int64_t> consumers;
    SqliteStatement row(database_,
                        "SELECT DISTINCT taker FROM queue_messages WHERE taker IS NOT NULL AND taker<>?",
                        consumer_);
    while (row.step()) {
      consumers.push_back(row.integer(0));
    }
    for (const std::int64_t consumer : consumers) {
      if (!lock_.held_by_another(consumer)) {
        requeue_messages_of(consumer);
        notifier_->notify();
      }
    }
  }

  void forget_ended_postponements() {
    const std::int64_t now = to_ms(system_now());
    SqliteStatement any(database_, "SELECT 1 FROM queue_postponed WHERE since_ms>?1 OR until_ms<=?1 LIMIT 1",
                        now);
    if (any.step()) {
      any.run();
      const SqliteUnsynced unsynced(database_);
      SqliteStatement(database_, "DELETE FROM queue_postponed WHERE since_ms>?1 OR until_ms<=?1", now).run();
    }
  }

  void run_maintenance() {
    const SteadyTime now = std::chrono::steady_clock::now();
    if (now >= next_maintenance_) {
      next_maintenance_ = now + maintenance_interval;
      requeue_messages_of_dead_consumers();
      forget_ended_postponements();
    }
  }

  const QueueOptions options_;
  std::mutex mutex_;
  SqliteDatabase database_;
  ConsumerLivenessLock lock_;
  std::shared_ptr<ChangeNotifier> notifier_;  ///< also notified of settled deliveries
  std::int64_t consumer_ = 0;
  Unacknowledged unacknowledged_;
  std::uint64_t next_tag_ = 1;
  SteadyTime next_maintenance_{};
  bool stopped_ = false;
};

}  // namespace

std::unique_ptr<JobQueue> open_sqlite_job_queue(const std::filesystem::path& path,
                                                const QueueOptions& options) {
  return std::make_unique<SqliteJobQueue>(path, options);
}

}  // namespace tessera
