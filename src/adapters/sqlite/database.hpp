// SPDX-License-Identifier: Apache-2.0
// A thin wrapper of SQLite with RAII handles and readable errors.
#pragma once

#include <sqlite3.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace tessera {

/// One connection. Not safe to use from several threads at once.
class SqliteDatabase {
 public:
  /// Opens or creates the file, in WAL mode with every commit synced before it returns (synchronous=FULL).
  /// Throws Error(io) if the file cannot be opened or is not a database.
  explicit SqliteDatabase(const std::filesystem::path& path);

  /// How long a statement waits for other writers before it throws Error(unavailable).
  void set_busy_timeout(std::chrono::milliseconds timeout);
  /// Runs statements that return no rows.
  void execute(const char* sql);
  /// Number of rows that the last statement changed.
  [[nodiscard]] std::int64_t changes() const { return sqlite3_changes64(handle_.get()); }
  [[nodiscard]] std::int64_t last_row() const { return sqlite3_last_insert_rowid(handle_.get()); }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] sqlite3* handle() const { return handle_.get(); }
  /// Throws the Error for `result`, an SQLite result code.
  [[noreturn]] void fail(int result) const;

 private:
  void enter_wal_mode();
  struct Close {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };
  std::filesystem::path path_;
  std::unique_ptr<sqlite3, Close> handle_;
};

/// A statement with its values bound in order: `SqliteStatement(db, "... ?, ?", a, b)`.
class SqliteStatement {
 public:
  template <class... Values>
  SqliteStatement(SqliteDatabase& database, std::string_view sql, const Values&... values)
      : SqliteStatement(database, sql, nullptr) {
    int index = 0;
    (bind(++index, values), ...);
  }

  /// Binds one parameter; the first is 1. Call it before the first step().
  void bind(int index, std::int64_t value);
  void bind(int index, std::string_view value);
  /// Advances to the next row; false if there are no more and the statement is complete.
  bool step();
  /// Runs to the end.
  void run() {
    while (step()) {
    }
  }
  [[nodiscard]] std::int64_t integer(int column) const { return sqlite3_column_int64(handle_.get(), column); }
  [[nodiscard]] std::string text(int column) const;

 private:
  SqliteStatement(SqliteDatabase& database, std::string_view sql, std::nullptr_t);

  struct Finalize {
    void operator()(sqlite3_stmt* handle) const { sqlite3_finalize(handle); }
  };
  SqliteDatabase& database_;
  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

/// A write transaction (BEGIN IMMEDIATE); rolled back unless committed.
class SqliteTransaction {
 public:
  explicit SqliteTransaction(SqliteDatabase& database) : database_(database) {
    database_.execute("BEGIN IMMEDIATE");
  }
  ~SqliteTransaction();
  SqliteTransaction(const SqliteTransaction&) = delete;
  SqliteTransaction& operator=(const SqliteTransaction&) = delete;
  void commit();

 private:
  SqliteDatabase& database_;
  bool open_ = true;
};

/// While this object exists, commits of the connection do not wait for the disk. Such commits survive a crash
/// of the process, but a crash of the machine may undo them, though never in part; the next synced commit
/// makes them durable too. Create and destroy it outside of transactions.
class SqliteUnsynced {
 public:
  explicit SqliteUnsynced(SqliteDatabase& database) : database_(database) {
    database_.execute("PRAGMA synchronous=NORMAL");
  }
  ~SqliteUnsynced();
  SqliteUnsynced(const SqliteUnsynced&) = delete;
  SqliteUnsynced& operator=(const SqliteUnsynced&) = delete;

 private:
  SqliteDatabase& database_;
};

/// The tables of one kind of content; several kinds may share a file.
struct SqliteSchema {
  const char* statements;  ///< create missing tables, including the one of the version
  const char* table;       ///< name of the version's table
  std::int64_t version;
  const char* content;  ///< for messages: "a queue"
};
/// Creates missing tables. Throws Error(io) if the file has another schema version.
void make_schema(SqliteDatabase& database, const SqliteSchema& schema);

/// The file of `sqlite:///var/lib/tessera/queue.db`; the path is taken literally, without escapes. Throws
/// Error(usage) for any other URL.
[[nodiscard]] std::filesystem::path sqlite_path(std::string_view url);

}  // namespace tessera
