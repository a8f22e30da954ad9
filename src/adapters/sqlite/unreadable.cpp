// SPDX-License-Identifier: Apache-2.0
#include "adapters/sqlite/unreadable.hpp"

#include <fmt/format.h>

namespace tessera::sqlite_state {

void UnreadableNotes::found(const std::string& kind, const std::string& id, const std::string& reason) {
  if (!known_.contains(kind + id)) {
    found_.push_back({kind, id, reason, options_.now()});
  }
}

void UnreadableNotes::save() noexcept {
  try {
    while (!found_.empty()) {
      const UnreadableItem item = found_.back();
      found_.pop_back();
      SqliteStatement(database_, "INSERT OR IGNORE INTO state_unreadable VALUES(?,?,?,?)", item.kind, item.id,
                      item.reason, to_ms(item.found))
          .run();
      known_.insert(item.kind + item.id);
      if (database_.changes() > 0 && options_.warn) {
        options_.warn(
            fmt::format("{} '{}' cannot be read and is ignored: {}", item.kind, item.id, item.reason));
      }
    }
  } catch (const std::exception&) {
    found_.clear();
  }
}

std::vector<UnreadableItem> UnreadableNotes::list(int limit) {
  SqliteStatement row(database_,
                      "SELECT kind, id, reason, found_ms FROM state_unreadable ORDER BY found_ms, id LIMIT ?",
                      std::int64_t{limit});
  std::vector<UnreadableItem> items;
  while (row.step()) {
    items.push_back({row.text(0), row.text(1), row.text(2), from_ms(row.integer(3))});
  }
  return items;
}

bool UnreadableNotes::remove(const std::string& kind, const std::string& id) {
  SqliteStatement(database_, "DELETE FROM state_unreadable WHERE kind=? AND id=?", kind, id).run();
  known_.erase(kind + id);
  return database_.changes() > 0;
}

}  // namespace tessera::sqlite_state
