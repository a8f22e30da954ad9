// SPDX-License-Identifier: Apache-2.0
// Notes about unreadable records, kept under tessera:unreadable. Private to the adapter.
#pragma once

#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "adapters/redis/connection.hpp"
#include "ports/job_store.hpp"

namespace tessera::redis {

/// Safe to use from many threads.
class UnreadableNotes {
 public:
  explicit UnreadableNotes(const StateOptions& options) : options_(options) {}
  /// Records the item, and warns if it is new.
  void found(Connection& connection, const std::string& kind, const std::string& id,
             const std::string& reason);
  [[nodiscard]] static std::vector<UnreadableItem> list(Connection& connection, int limit);
  bool remove(Connection& connection, const std::string& kind, const std::string& id);

 private:
  const StateOptions& options_;
  std::mutex mutex_;
  std::set<std::string> known_;
};

}  // namespace tessera::redis
