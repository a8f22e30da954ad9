// SPDX-License-Identifier: Apache-2.0
// The parts of the SQLite state store, and what they share. Private to the adapter.
#pragma once

#include <memory>

#include "adapters/sqlite/change_notifier.hpp"
#include "adapters/sqlite/database.hpp"
#include "ports/job_store.hpp"

namespace tessera::sqlite_state {

struct Shared {
  std::filesystem::path path;
  StateOptions options;
  std::shared_ptr<ChangeNotifier> event_notifier;
};

/// Call it in the transaction that changes the job. Drops events beyond the log's length.
void append_event(SqliteDatabase& database, const std::string& type, const Job& job,
                  const StateOptions& options);

[[nodiscard]] std::unique_ptr<JobStore> open_jobs(std::shared_ptr<Shared> shared);
[[nodiscard]] std::unique_ptr<EventLog> open_events(std::shared_ptr<Shared> shared);
[[nodiscard]] std::unique_ptr<TokenStore> open_tokens(const std::shared_ptr<Shared>& shared);
[[nodiscard]] std::unique_ptr<NodeRegistry> open_nodes(std::shared_ptr<Shared> shared);
[[nodiscard]] std::unique_ptr<UploadLedger> open_uploads(std::shared_ptr<Shared> shared);

}  // namespace tessera::sqlite_state
