#include "adapters/sqlite/state_store.hpp"

#include <fmt/format.h>

#include "adapters/sqlite/state_parts.hpp"
#include "core/error.hpp"

namespace tessera {
namespace sqlite_state {
namespace {

constexpr int schema_version = 1;
constexpr const char* schema = R"(
CREATE TABLE IF NOT EXISTS state_schema(version INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS state_jobs(
  id TEXT PRIMARY KEY,
  batch_id TEXT NOT NULL,
  owner TEXT NOT NULL,
  state INTEGER NOT NULL,
  published INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  record TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS state_jobs_of_owner ON state_jobs(owner, id);
CREATE INDEX IF NOT EXISTS state_jobs_of_batch ON state_jobs(batch_id, id);
CREATE INDEX IF NOT EXISTS state_jobs_in_state ON state_jobs(state, updated_ms);
CREATE INDEX IF NOT EXISTS state_jobs_unpublished ON state_jobs(updated_ms) WHERE published=0;
CREATE TABLE IF NOT EXISTS state_batches(
  id TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  jobs TEXT NOT NULL,
  webhook_url TEXT NOT NULL,
  webhook_secret TEXT NOT NULL,
  created_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS state_keys(
  owner TEXT NOT NULL,
  key TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  batch_id TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  PRIMARY KEY(owner, key)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS state_keys_by_age ON state_keys(created_ms);
CREATE TABLE IF NOT EXISTS state_events(
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  type TEXT NOT NULL,
  job_id TEXT NOT NULL,
  batch_id TEXT NOT NULL,
  owner TEXT NOT NULL,
  time_ms INTEGER NOT NULL,
  data TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS state_tokens(
  hash TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  scopes INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS state_nodes(
  id TEXT PRIMARY KEY,
  host TEXT NOT NULL,
  version TEXT NOT NULL,
  details TEXT NOT NULL,
  seen_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL) WITHOUT ROWID;
)";

}  // namespace

void make_schema(SqliteDatabase& database, const std::filesystem::path& path) {
  SqliteTransaction transaction(database);
  database.execute(schema);
  SqliteStatement version(database, "SELECT version FROM state_schema");
  if (!version.step()) {
    SqliteStatement(database, "INSERT INTO state_schema VALUES(?)", std::int64_t{schema_version}).run();
  } else if (version.integer(0) != schema_version) {
    throw Error(ErrorCode::io, fmt::format("'{}' holds a state of version {}, and this program knows "
                                           "version {}: use the program that made it.",
                                           path.string(), version.integer(0), schema_version));
  }
  version.run();
  transaction.commit();
}

}  // namespace sqlite_state

StateStore open_sqlite_state_store(const std::filesystem::path& path, const StateOptions& options) {
  auto shared = std::make_shared<sqlite_state::Shared>();
  shared->path = path;
  shared->options = options;
  {
    SqliteDatabase database(path);
    sqlite_state::make_schema(database, path);
  }
  return {sqlite_state::open_jobs(shared), sqlite_state::open_events(shared),
          sqlite_state::open_tokens(shared), sqlite_state::open_nodes(shared)};
}

}  // namespace tessera
