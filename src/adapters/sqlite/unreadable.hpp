// What could not be read, noted for people. Inside of the adapter only.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "adapters/sqlite/database.hpp"
#include "ports/job_store.hpp"

namespace tessera::sqlite_state {

/// Of one connection, and as safe to use from several threads as that. What is found within a transaction
/// waits until it is over.
class UnreadableNotes {
 public:
  UnreadableNotes(SqliteDatabase& database, const StateOptions& options)
      : database_(database), options_(options) {}

  void found(const std::string& kind, const std::string& id, const std::string& reason);
  /// Writes down what was found, and tells of it what is new. Throws nothing: what could not be written is
  /// found again.
  void write_down() noexcept;
  [[nodiscard]] std::vector<UnreadableItem> list(int limit);
  bool remove(const std::string& kind, const std::string& id);

 private:
  SqliteDatabase& database_;
  const StateOptions& options_;
  std::vector<UnreadableItem> found_;
  std::set<std::string> known_;
};

}  // namespace tessera::sqlite_state
