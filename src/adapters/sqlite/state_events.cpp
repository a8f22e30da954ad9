// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <charconv>

#include "adapters/sqlite/state_parts.hpp"
#include "adapters/sqlite/unreadable.hpp"
#include "base/error.hpp"
#include "ports/stored_json.hpp"

namespace tessera::sqlite_state {
namespace {

// How soon events of other processes are found. A poll costs some microseconds.
constexpr std::chrono::milliseconds poll_interval{25};

/// An event's id is its number in the log; 0 is before the first.
std::int64_t number_of(const std::string& id) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), number);
  if (error != std::errc() || end != id.data() + id.size() || number < 0) {
    throw Error(ErrorCode::usage, fmt::format("'{}' is not the id of an event.", id.substr(0, 100)));
  }
  return number;
}

class SqliteEventLog final : public EventLog {
 public:
  explicit SqliteEventLog(std::shared_ptr<Shared> shared)
      : shared_(std::move(shared)), database_(shared_->path), unreadable_(database_, shared_->options) {}

  std::vector<Event> read_after(const std::string& id, int limit,
                                std::chrono::milliseconds timeout) override {
    const std::int64_t after = id.empty() ? 0 : number_of(id);
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    for (;;) {
      const std::uint64_t seen = shared_->event_notifier->count();
      std::vector<Event> events = read(after, limit);
      const auto now = std::chrono::steady_clock::now();
      if (!events.empty() || stopped_ || now >= deadline) {
        return events;
      }
      shared_->event_notifier->wait(seen, std::min(deadline, now + poll_interval));
    }
  }

  std::string newest_id() override {
    const std::lock_guard guard(mutex_);
    return std::to_string(last_number());
  }

  bool has_gap_after(const std::string& id) override {
    const std::int64_t after = id.empty() ? 0 : number_of(id);
    const std::lock_guard guard(mutex_);
    SqliteStatement row(database_, "SELECT sequence FROM state_events ORDER BY sequence LIMIT 1");
    const std::int64_t oldest = row.step() ? row.integer(0) : last_number() + 1;
    return after + 1 < oldest;
  }

  bool event_before(const std::string& a, const std::string& b) const override {
    return number_of(a) < number_of(b);
  }

  void stop_reading() override {
    stopped_ = true;
    shared_->event_notifier->notify();
  }

 private:
  /// Also works if all events of the log have been dropped.
  std::int64_t last_number() {
    SqliteStatement row(database_, "SELECT seq FROM sqlite_sequence WHERE name='state_events'");
    return row.step() ? row.integer(0) : 0;
  }

  std::vector<Event> read(std::int64_t after, int limit) {
    const std::lock_guard guard(mutex_);
    SqliteStatement row(database_,
                        "SELECT sequence, type, job_id, batch_id, owner, time_ms, data FROM state_events"
                        " WHERE sequence>? ORDER BY sequence LIMIT ?",
                        after, std::int64_t{limit});
    std::vector<Event> events;
    while (row.step()) {
      Event event{std::to_string(row.integer(0)), row.text(1), row.text(2), row.text(3), row.text(4),
                  from_ms(row.integer(5)),        Json()};
      try {
        event.data = event_data_from_text(row.text(6));
      } catch (const Unreadable& error) {
        event.type = Event::unreadable;
        unreadable_.found("event", event.id, error.what());
      }
      events.push_back(std::move(event));
    }
    unreadable_.save();
    return events;
  }

  std::shared_ptr<Shared> shared_;
  std::mutex mutex_;
  SqliteDatabase database_;
  UnreadableNotes unreadable_;
  std::atomic<bool> stopped_{false};
};

}  // namespace

void append_event(SqliteDatabase& database, const std::string& type, const Job& job,
                  const StateOptions& options) {
  SqliteStatement(database,
                  "INSERT INTO state_events(type, job_id, batch_id, owner, time_ms, data)"
                  " VALUES(?,?,?,?,?,?)",
                  type, job.id, job.batch_id, job.owner, to_ms(job.updated), stored_text(to_json(job)))
      .run();
  const std::int64_t last = database.last_row();
  // In batches, because each removal costs a search.
  const std::int64_t at_a_time = std::clamp<std::int64_t>(options.max_events / 8, 1, 256);
  if (last % at_a_time == 0) {
    SqliteStatement(database, "DELETE FROM state_events WHERE sequence<=?", last - options.max_events).run();
  }
}

std::unique_ptr<EventLog> open_events(std::shared_ptr<Shared> shared) {
  return std::make_unique<SqliteEventLog>(std::move(shared));
}

}  // namespace tessera::sqlite_state
