// A thin hold on SQLite: handles that close themselves, and errors as sentences.
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
  /// Opens or makes the file, in WAL mode with every commit on disk before it returns (synchronous=FULL).
  /// Throws Error(io) if the file cannot be opened or is no database.
  explicit SqliteDatabase(const std::filesystem::path& path);

  /// How long a statement waits for other writers before it throws Error(unavailable).
  void set_patience(std::chrono::milliseconds patience);
  /// Runs statements that give no rows.
  void execute(const char* sql);
  /// Rows that the last statement changed.
  [[nodiscard]] std::int64_t changes() const { return sqlite3_changes64(handle_.get()); }
  [[nodiscard]] std::int64_t last_row() const { return sqlite3_last_insert_rowid(handle_.get()); }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] sqlite3* handle() const { return handle_.get(); }
  /// Throws what `result`, an SQLite result code, stands for.
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

  /// Binds the value of one place; the first is 1. Before the first step().
  void bind(int index, std::int64_t value);
  void bind(int index, std::string_view value);
  /// Goes to the next row; false when there are no more, and the statement has taken effect.
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

/// A write transaction from its beginning on; rolled back unless committed.
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

/// While it lives, commits of this connection do not wait for the disk. What they change may be undone by a
/// crash of the machine, though by none of a process, and never in part; the next commit that waits makes it
/// durable too. Made and ended outside of transactions.
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

/// Tables of one kind of content, several of which may share a file.
struct SqliteSchema {
  const char* statements;  ///< make what is not there; the version's table among it
  const char* table;       ///< that has the version
  std::int64_t version;
  const char* content;  ///< for people: "a queue"
};
/// Makes the tables if they are not there. Throws Error(io) if the file has them in another version.
void make_schema(SqliteDatabase& database, const SqliteSchema& schema);

/// The file of `sqlite:///var/lib/tessera/queue.db`; the path stands there as it is, without escapes. Throws
/// Error(usage) for anything else.
[[nodiscard]] std::filesystem::path sqlite_path(std::string_view url);

}  // namespace tessera
