// The parts of the SQLite state store, and what they share. Inside of the adapter only.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>

#include "adapters/sqlite/database.hpp"
#include "ports/job_store.hpp"

namespace tessera::sqlite_state {

/// Tells readers of this process that there are new events.
class NewEvents {
 public:
  void announce() {
    const std::lock_guard lock(mutex_);
    ++count_;
    changed_.notify_all();
  }
  [[nodiscard]] std::uint64_t count() {
    const std::lock_guard lock(mutex_);
    return count_;
  }
  /// Waits until the count is another, at most `patience`.
  void wait(std::uint64_t count, std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, patience, [&] { return count_ != count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t count_ = 0;
};

struct Shared {
  std::filesystem::path path;
  StateOptions options;
  NewEvents new_events;
};

/// In the transaction that changes the job. Drops what is older than the log is long.
void append_event(SqliteDatabase& database, const std::string& type, const Job& job,
                  const StateOptions& options);

[[nodiscard]] std::unique_ptr<JobStore> open_jobs(std::shared_ptr<Shared> shared);
[[nodiscard]] std::unique_ptr<EventLog> open_events(std::shared_ptr<Shared> shared);
[[nodiscard]] std::unique_ptr<TokenStore> open_tokens(const std::shared_ptr<Shared>& shared);
[[nodiscard]] std::unique_ptr<NodeRegistry> open_nodes(std::shared_ptr<Shared> shared);
[[nodiscard]] std::unique_ptr<UploadLedger> open_uploads(std::shared_ptr<Shared> shared);

}  // namespace tessera::sqlite_state
