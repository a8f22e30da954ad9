// The parts of the SQLite state store, and what they share. Inside of the adapter only.
#pragma once

#include <memory>

#include "adapters/sqlite/database.hpp"
#include "adapters/sqlite/news.hpp"
#include "ports/job_store.hpp"

namespace tessera::sqlite_state {

struct Shared {
  std::filesystem::path path;
  StateOptions options;
  std::shared_ptr<News> new_events;
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
