// SPDX-License-Identifier: Apache-2.0
// Notes about unreadable records. Private to the adapter.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "adapters/sqlite/database.hpp"
#include "ports/job_store.hpp"

namespace tessera::sqlite_state {

/// Uses one connection, and has its thread-safety. Items found within a transaction are kept until it is
/// over.
class UnreadableNotes {
 public:
  UnreadableNotes(SqliteDatabase& database, const StateOptions& options)
      : database_(database), options_(options) {}

  void found(const std::string& kind, const std::string& id, const std::string& reason);
  /// Records the found items, and warns about new ones. Throws nothing: an item that could not be recorded
  /// will be found again.
  void save() noexcept;
  [[nodiscard]] std::vector<UnreadableItem> list(int limit);
  bool remove(const std::string& kind, const std::string& id);

 private:
  SqliteDatabase& database_;
  const StateOptions& options_;
  std::vector<UnreadableItem> found_;
  std::set<std::string> known_;
};

}  // namespace tessera::sqlite_state
