// SPDX-License-Identifier: Apache-2.0
#include "adapters/sqlite/state_store.hpp"

#include "adapters/sqlite/state_parts.hpp"

namespace tessera {
namespace sqlite_state {
namespace {

constexpr const char* tables = R"(
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
CREATE INDEX IF NOT EXISTS state_jobs_by_state ON state_jobs(state, id);
CREATE INDEX IF NOT EXISTS state_jobs_of_owner_by_state ON state_jobs(owner, state, id);
CREATE INDEX IF NOT EXISTS state_jobs_waiting ON state_jobs(owner) WHERE state=0;
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
CREATE TABLE IF NOT EXISTS state_webhook_calls(
  id TEXT PRIMARY KEY,
  job_id TEXT NOT NULL,
  generation INTEGER NOT NULL,
  last INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  due_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS state_webhook_calls_due ON state_webhook_calls(due_ms);
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
CREATE TABLE IF NOT EXISTS state_unreadable(
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  reason TEXT NOT NULL,
  found_ms INTEGER NOT NULL,
  PRIMARY KEY(kind, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS state_uploads(
  object TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  link_expires_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  taken_ms INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS state_uploads_of_owner ON state_uploads(owner, expires_ms);
CREATE INDEX IF NOT EXISTS state_uploads_by_expiry ON state_uploads(expires_ms);
CREATE INDEX IF NOT EXISTS state_uploads_unmeasured ON state_uploads(taken_ms) WHERE size_bytes<0;
)";
constexpr SqliteSchema schema{tables, "state_schema", 1, "a state"};

}  // namespace

}  // namespace sqlite_state

StateStore open_sqlite_state_store(const std::filesystem::path& path, const StateOptions& options) {
  auto shared = std::make_shared<sqlite_state::Shared>();
  shared->path = path;
  shared->options = options;
  {
    SqliteDatabase database(path);
    make_schema(database, sqlite_state::schema);
  }
  shared->event_notifier = change_notifier_of(path);
  return {sqlite_state::open_jobs(shared), sqlite_state::open_events(shared),
          sqlite_state::open_tokens(shared), sqlite_state::open_nodes(shared),
          sqlite_state::open_uploads(shared)};
}

}  // namespace tessera
