#include "adapters/sqlite/job_queue.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <mutex>

#include "adapters/sqlite/database.hpp"
#include "adapters/sqlite/news.hpp"
#include "adapters/sqlite/taker_lock.hpp"
#include "base/error.hpp"

namespace tessera {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

// How soon others' messages, and those of takers that died, are seen. A look costs some microseconds.
constexpr std::chrono::milliseconds look_interval{50};
constexpr std::chrono::milliseconds census_interval{1000};
// A take that may not wait still waits for a writer, who is done in less.
constexpr std::chrono::milliseconds shortest_patience{100};

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
// Messages that wait and are not postponed. A clock that was set back ends a postponement. The table is not a
// column of the messages, so that the previous release can still work with the file.
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

std::filesystem::path beside(std::filesystem::path path, const char* suffix) {
  path += suffix;
  return path;
}

class SqliteJobQueue final : public JobQueue {
 public:
  SqliteJobQueue(const std::filesystem::path& path, const QueueOptions& options)
      : options_(options), database_(path), lock_(beside(path, "-takers")) {
    database_.set_patience(options_.publish_timeout);
    make_schema(database_, schema);
    taker_ = new_taker();
    lock_.hold(taker_);
    news_ = news_of(path);
    return_messages_of_the_dead();
  }

  ~SqliteJobQueue() override {
    try {
      return_messages_of(taker_);
    } catch (const Error&) {
      // The lock ends here, so another taker returns them.
    }
  }
  SqliteJobQueue(const SqliteJobQueue&) = delete;
  SqliteJobQueue& operator=(const SqliteJobQueue&) = delete;

  void publish(const QueueMessage& message) override {
    const std::lock_guard guard(mutex_);
    insert(message);
    news_->announce();
  }

  std::optional<Delivery> take(std::chrono::milliseconds patience) override {
    const SteadyTime deadline = std::chrono::steady_clock::now() + patience;
    std::unique_lock guard(mutex_);
    while (!stopped_) {
      const std::uint64_t seen = news_->count();
      const bool free = static_cast<int>(taken_.size()) < options_.prefetch;
      if (free) {
        if (auto delivery = try_take(deadline)) {
          return delivery;
        }
      }
      const SteadyTime now = std::chrono::steady_clock::now();
      if (now >= deadline) {
        break;
      }
      guard.unlock();
      news_->wait(seen, free ? std::min(deadline, now + look_interval) : deadline);
      guard.lock();
    }
    return std::nullopt;
  }

  void stop_taking() override {
    const std::lock_guard guard(mutex_);
    stopped_ = true;
    news_->announce();
  }

  void acknowledge(std::uint64_t tag) override {
    const std::lock_guard guard(mutex_);
    if (const auto taken = taken_.find(tag); taken != taken_.end()) {
      // If it is lost, the message comes again and finds the job done.
      const SqliteUnsynced unsynced(database_);
      SqliteStatement(database_, "DELETE FROM queue_messages WHERE sequence=? AND taker=?", taken->second,
                      taker_)
          .run();
      end(taken);
    }
  }

  void postpone(std::uint64_t tag, std::chrono::milliseconds delay) override {
    const std::lock_guard guard(mutex_);
    if (const auto taken = taken_.find(tag); taken != taken_.end()) {
      SqliteTransaction transaction(database_);
      SqliteStatement(
          database_, "UPDATE queue_messages SET taker=NULL, attempts=attempts-1 WHERE sequence=? AND taker=?",
          taken->second, taker_)
          .run();
      if (database_.changes() > 0 && delay.count() > 0) {
        const std::int64_t now = to_ms(system_now());
        SqliteStatement(database_, "INSERT OR REPLACE INTO queue_postponed VALUES(?,?,?)", taken->second, now,
                        now + delay.count())
            .run();
      }
      transaction.commit();
      end(taken);
    }
  }

  void give_back(std::uint64_t tag) override {
    const std::lock_guard guard(mutex_);
    if (const auto taken = taken_.find(tag); taken != taken_.end()) {
      SqliteTransaction transaction(database_);
      put_back(taken->second, "given back");
      transaction.commit();
      end(taken);
    }
  }

  void set_aside(std::uint64_t tag, const std::string& reason) override {
    const std::lock_guard guard(mutex_);
    if (const auto taken = taken_.find(tag); taken != taken_.end()) {
      SqliteTransaction transaction(database_);
      bury(taken->second, reason);
      transaction.commit();
      end(taken);
    }
  }

  QueueDepth depth() override {
    const std::lock_guard guard(mutex_);
    take_census();
    SqliteStatement row(database_,
                        "SELECT (SELECT COUNT(*) FROM queue_messages WHERE taker IS NULL),"
                        " (SELECT COUNT(*) FROM queue_messages WHERE taker IS NOT NULL),"
                        " (SELECT COUNT(*) FROM queue_dead)");
    row.step();
    return {.waiting = row.integer(0), .taken = row.integer(1), .dead = row.integer(2)};
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

  bool retry_dead(const std::string& id) override {
    const std::lock_guard guard(mutex_);
    SqliteTransaction transaction(database_);
    const std::optional<QueueMessage> message = unbury(id);
    if (message) {
      insert(*message);
      transaction.commit();
      news_->announce();
    }
    return message.has_value();
  }

  bool drop_dead(const std::string& id) override {
    const std::lock_guard guard(mutex_);
    return unbury(id).has_value();
  }

  void check() override {
    const std::lock_guard guard(mutex_);
    SqliteStatement(database_, "SELECT COUNT(*) FROM queue_takers").run();
  }

 private:
  using Taken = std::map<std::uint64_t, std::int64_t>;

  std::int64_t new_taker() {
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

  /// Nothing, too, while others write.
  std::optional<Delivery> try_take(SteadyTime deadline) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    database_.set_patience(std::min(options_.publish_timeout, std::max(left, shortest_patience)));
    std::optional<Delivery> delivery;
    try {
      take_census();
      delivery = take_next();
    } catch (const Error& error) {
      if (error.code() != ErrorCode::unavailable) {
        throw;
      }
    }
    database_.set_patience(options_.publish_timeout);
    return delivery;
  }

  std::optional<Delivery> take_next() {
    // The look takes no write lock, so takers that wait do not disturb those who write.
    const std::int64_t now = to_ms(system_now());
    SqliteStatement waiting(database_, fmt::format("SELECT 1{} LIMIT 1", ready_messages), now);
    if (!waiting.step()) {
      return std::nullopt;
    }
    waiting.run();
    // If it is lost, so is this taker, and the message goes back.
    const SqliteUnsynced unsynced(database_);
    SqliteStatement row(database_,
                        fmt::format("UPDATE queue_messages SET taker=?2, attempts=attempts+1 WHERE sequence="
                                    "(SELECT sequence{} ORDER BY priority, sequence LIMIT 1)"
                                    " RETURNING sequence, attempts, priority, job_id, generation, request_id",
                                    ready_messages),
                        now, taker_);
    if (!row.step()) {
      return std::nullopt;
    }
    const std::int64_t sequence = row.integer(0);
    Delivery delivery{
        .message = message_from(row, 2), .attempt = static_cast<int>(row.integer(1)), .tag = next_tag_++};
    row.run();
    taken_.emplace(delivery.tag, sequence);
    return delivery;
  }

  void end(Taken::iterator taken) {
    taken_.erase(taken);
    news_->announce();
  }

  void bury(std::int64_t sequence, const std::string& reason) {
    SqliteStatement(database_,
                    "INSERT INTO queue_dead(priority, job_id, generation, request_id, attempts, reason, "
                    "time_ms) SELECT priority, job_id, generation, request_id, attempts, ?, ? FROM "
                    "queue_messages WHERE sequence=?",
                    reason, to_ms(system_now()), sequence)
        .run();
    SqliteStatement(database_, "DELETE FROM queue_messages WHERE sequence=?", sequence).run();
  }

  std::optional<QueueMessage> unbury(const std::string& id) {
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

  /// Into the line again at its old place, or aside if it was taken too often.
  void put_back(std::int64_t sequence, const char* how) {
    SqliteStatement row(database_, "SELECT attempts FROM queue_messages WHERE sequence=?", sequence);
    if (!row.step()) {
      return;
    }
    const std::int64_t attempts = row.integer(0);
    row.run();
    if (attempts >= options_.delivery_limit) {
      bury(sequence,
           fmt::format("Taken {} times without success, which is the limit; the last time it was {}.",
                       attempts, how));
    } else {
      SqliteStatement(database_, "UPDATE queue_messages SET taker=NULL WHERE sequence=?", sequence).run();
    }
  }

  void return_messages_of(std::int64_t taker) {
    std::vector<std::int64_t> sequences;
    SqliteTransaction transaction(database_);
    SqliteStatement row(database_, "SELECT sequence FROM queue_messages WHERE taker=? ORDER BY sequence",
                        taker);
    while (row.step()) {
      sequences.push_back(row.integer(0));
    }
    for (const std::int64_t sequence : sequences) {
      put_back(sequence, "lost with the process that had it");
    }
    transaction.commit();
  }

  void return_messages_of_the_dead() {
    std::vector<std::int64_t> takers;
    SqliteStatement row(
        database_, "SELECT DISTINCT taker FROM queue_messages WHERE taker IS NOT NULL AND taker<>?", taker_);
    while (row.step()) {
      takers.push_back(row.integer(0));
    }
    for (const std::int64_t taker : takers) {
      if (!lock_.held_by_another(taker)) {
        return_messages_of(taker);
        news_->announce();
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

  void take_census() {
    const SteadyTime now = std::chrono::steady_clock::now();
    if (now >= next_census_) {
      next_census_ = now + census_interval;
      return_messages_of_the_dead();
      forget_ended_postponements();
    }
  }

  const QueueOptions options_;
  std::mutex mutex_;
  SqliteDatabase database_;
  TakerLock lock_;
  std::shared_ptr<News> news_;  ///< also of what has ended here
  std::int64_t taker_ = 0;
  Taken taken_;
  std::uint64_t next_tag_ = 1;
  SteadyTime next_census_{};
  bool stopped_ = false;
};

}  // namespace

std::unique_ptr<JobQueue> open_sqlite_job_queue(const std::filesystem::path& path,
                                                const QueueOptions& options) {
  return std::make_unique<SqliteJobQueue>(path, options);
}

}  // namespace tessera
