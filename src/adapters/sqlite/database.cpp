// SPDX-License-Identifier: Apache-2.0
#include "adapters/sqlite/database.hpp"

#include <fmt/format.h>

#include "adapters/path_url.hpp"
#include "base/error.hpp"

namespace tessera {
namespace {

constexpr std::chrono::milliseconds default_busy_timeout{10'000};

}  // namespace

SqliteDatabase::SqliteDatabase(const std::filesystem::path& path) : path_(path) {
  sqlite3* handle = nullptr;
  const int result = sqlite3_open_v2(
      path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  handle_.reset(handle);
  if (result != SQLITE_OK) {
    fail(result);
  }
  set_busy_timeout(default_busy_timeout);
  enter_wal_mode();
  execute("PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON");
}

void SqliteDatabase::enter_wal_mode() {
  // If two processes do this with a new file at once, SQLite fails one without waiting: each holds a lock
  // that the other needs.
  constexpr int pause_ms = 5;
  const auto deadline = std::chrono::steady_clock::now() + default_busy_timeout;
  for (;;) {
    try {
      execute("PRAGMA journal_mode=WAL");
      return;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::unavailable || std::chrono::steady_clock::now() >= deadline) {
        throw;
      }
    }
    sqlite3_sleep(pause_ms);
  }
}

void SqliteDatabase::set_busy_timeout(std::chrono::milliseconds timeout) {
  sqlite3_busy_timeout(handle_.get(), static_cast<int>(timeout.count()));
}

void SqliteDatabase::execute(const char* sql) {
  const int result = sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr);
  if (result != SQLITE_OK) {
    fail(result);
  }
}

void SqliteDatabase::fail(int result) const {
  const std::string reason = handle_ ? sqlite3_errmsg(handle_.get()) : sqlite3_errstr(result);
  const int primary = result & 0xff;
  if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED) {
    throw Error(
        ErrorCode::unavailable,
        fmt::format("'{}' is locked by other writers for too long ({}). Try again.", path_.string(), reason));
  }
  throw Error(ErrorCode::io, fmt::format("The database '{}' failed: {}.", path_.string(), reason));
}

SqliteStatement::SqliteStatement(SqliteDatabase& database, std::string_view sql, std::nullptr_t)
    : database_(database) {
  sqlite3_stmt* handle = nullptr;
  const int result =
      sqlite3_prepare_v2(database.handle(), sql.data(), static_cast<int>(sql.size()), &handle, nullptr);
  handle_.reset(handle);
  if (result != SQLITE_OK) {
    database.fail(result);
  }
}

bool SqliteStatement::step() {
  const int result = sqlite3_step(handle_.get());
  if (result != SQLITE_ROW && result != SQLITE_DONE) {
    database_.fail(result);
  }
  return result == SQLITE_ROW;
}

std::string SqliteStatement::text(int column) const {
  const auto* const bytes = reinterpret_cast<const char*>(sqlite3_column_text(handle_.get(), column));
  return bytes == nullptr
             ? std::string()
             : std::string(bytes, static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column)));
}

void SqliteStatement::bind(int index, std::int64_t value) {
  const int result = sqlite3_bind_int64(handle_.get(), index, value);
  if (result != SQLITE_OK) {
    database_.fail(result);
  }
}

void SqliteStatement::bind(int index, std::string_view value) {
  const int result = sqlite3_bind_text64(handle_.get(), index, value.data() == nullptr ? "" : value.data(),
                                         value.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  if (result != SQLITE_OK) {
    database_.fail(result);
  }
}

SqliteTransaction::~SqliteTransaction() {
  if (open_) {
    // Fails only if SQLite has already rolled back by itself.
    sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
}

void SqliteTransaction::commit() {
  database_.execute("COMMIT");
  open_ = false;
}

SqliteUnsynced::~SqliteUnsynced() {
  // Cannot fail: it only changes a setting of this connection.
  sqlite3_exec(database_.handle(), "PRAGMA synchronous=FULL", nullptr, nullptr, nullptr);
}

void make_schema(SqliteDatabase& database, const SqliteSchema& schema) {
  SqliteTransaction transaction(database);
  database.execute(schema.statements);
  SqliteStatement version(database, fmt::format("SELECT version FROM {}", schema.table));
  if (!version.step()) {
    SqliteStatement(database, fmt::format("INSERT INTO {} VALUES(?)", schema.table), schema.version).run();
  } else if (version.integer(0) != schema.version) {
    throw Error(ErrorCode::io,
                fmt::format("'{}' holds {} of version {}, and this program supports "
                            "version {}: use the release that created it.",
                            database.path().string(), schema.content, version.integer(0), schema.version));
  }
  version.run();
  transaction.commit();
}

std::filesystem::path sqlite_path(std::string_view url) {
  return absolute_path_of(url, "sqlite://", "SQLite file", "sqlite:///var/lib/tessera/queue.db");
}

}  // namespace tessera
