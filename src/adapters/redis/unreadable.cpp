// SPDX-License-Identifier: Apache-2.0
#include "adapters/redis/unreadable.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "ports/stored_json.hpp"

namespace tessera::redis {
namespace {

constexpr const char* key = "tessera:unreadable";

std::string field_of(const std::string& kind, const std::string& id) { return kind + ":" + id; }

UnreadableItem item_from(const std::string& field, const std::string& text) {
  const std::size_t colon = field.find(':');
  UnreadableItem item{
      field.substr(0, colon), colon == std::string::npos ? "" : field.substr(colon + 1), {}, {}};
  try {
    const Json json = parse_stored(text, "the note of an unreadable record");
    const StoredFields fields(json, "the note of an unreadable record");
    item.reason = fields.text("reason", "");
    item.found = from_ms(fields.integer("found_ms", 0));
  } catch (const Unreadable& error) {
    item.reason = error.what();
  }
  return item;
}

}  // namespace

void UnreadableNotes::found(Connection& connection, const std::string& kind, const std::string& id,
                            const std::string& reason) {
  {
    const std::lock_guard lock(mutex_);
    if (known_.contains(field_of(kind, id))) {
      return;
    }
  }
  const Json note{{"v", stored_version}, {"reason", reason}, {"found_ms", to_ms(options_.now())}};
  const bool is_new = connection.command({"HSETNX", key, field_of(kind, id), stored_text(note)}).integer == 1;
  if (is_new && options_.warn) {
    options_.warn(fmt::format("{} '{}' cannot be read and is ignored: {}", kind, id, reason));
  }
  const std::lock_guard lock(mutex_);
  known_.insert(field_of(kind, id));
}

std::vector<UnreadableItem> UnreadableNotes::list(Connection& connection, int limit) {
  std::vector<UnreadableItem> items;
  const Reply notes = connection.command({"HGETALL", key});
  for (std::size_t i = 0; i + 1 < notes.list.size(); i += 2) {
    items.push_back(item_from(notes.list[i].text, notes.list[i + 1].text));
  }
  std::ranges::sort(items, {}, [](const UnreadableItem& item) { return std::pair(item.found, item.id); });
  items.resize(std::min(items.size(), static_cast<std::size_t>(std::max(limit, 0))));
  return items;
}

bool UnreadableNotes::remove(Connection& connection, const std::string& kind, const std::string& id) {
  {
    const std::lock_guard lock(mutex_);
    known_.erase(field_of(kind, id));
  }
  return connection.command({"HDEL", key, field_of(kind, id)}).integer > 0;
}

}  // namespace tessera::redis
