// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <charconv>

#include "adapters/redis/connection_pool.hpp"
#include "adapters/redis/state_parts.hpp"
#include "adapters/redis/unreadable.hpp"
#include "base/error.hpp"
#include "ports/stored_json.hpp"

namespace tessera::redis {
namespace {

constexpr const char* before_all = "0-0";
constexpr std::size_t max_readers = 4;
/// Upper bound for the time until a blocked reader notices stop_reading().
constexpr std::chrono::milliseconds max_block_time{200};

/// Parses a stream id: milliseconds and a counter.
std::pair<std::uint64_t, std::uint64_t> numbers_of(const std::string& id) {
  std::pair<std::uint64_t, std::uint64_t> numbers;
  const std::size_t dash = id.find('-');
  const char* const begin = id.data();
  const char* const end = begin + id.size();
  const char* const middle = dash == std::string::npos ? end : begin + dash;
  const auto first = std::from_chars(begin, middle, numbers.first);
  const auto second = dash == std::string::npos ? std::from_chars_result{end, std::errc()}
                                                : std::from_chars(middle + 1, end, numbers.second);
  if (first.ec != std::errc() || first.ptr != middle || second.ec != std::errc() || second.ptr != end) {
    throw Error(ErrorCode::usage, fmt::format("'{}' is not the id of an event.", id.substr(0, 100)));
  }
  return numbers;
}

/// Sets `problem` to the reason if the event cannot be read.
Event event_from(const Reply& entry, std::string& problem) {
  Event event;
  event.id = entry.list.at(0).text;
  event.data = Json();
  const std::vector<Reply>& fields = entry.list.at(1).list;
  std::string data;
  std::string time;
  for (std::size_t i = 0; i + 1 < fields.size(); i += 2) {
    const std::string& name = fields[i].text;
    const std::string& value = fields[i + 1].text;
    if (name == "type") {
      event.type = value;
    } else if (name == "job") {
      event.job_id = value;
    } else if (name == "batch") {
      event.batch_id = value;
    } else if (name == "owner") {
      event.owner = value;
    } else if (name == "time") {
      time = value;
    } else if (name == "data") {
      data = value;
    }
  }
  try {
    event.time = from_ms(stored_integer(time, "the time of an event"));
    event.data = event_data_from_text(data);
  } catch (const Unreadable& error) {
    event.type = Event::unreadable;
    event.data = Json();
    problem = error.what();
  }
  return event;
}

class RedisEventLog final : public EventLog {
 public:
  RedisEventLog(const Address& address, const StateOptions& options)
      : options_(options),
        blocking_(address, max_readers),
        quick_(address, max_readers),
        unreadable_(options_) {}

  std::vector<Event> read_after(const std::string& id, int limit,
                                std::chrono::milliseconds timeout) override {
    const std::string from = id.empty() ? before_all : id;
    static_cast<void>(numbers_of(from));
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    for (;;) {
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      const bool wait = left.count() > 0 && !stopped_;
      std::vector<Event> events =
          wait ? read(blocking_, from, limit, std::min(left, max_block_time)) : read(quick_, from, limit, {});
      if (!events.empty() || !wait) {
        return events;
      }
    }
  }

  std::string newest_id() override {
    return quick_.ask([](Connection& connection) {
      return info_field(stream_info(connection), "last-generated-id", before_all).text;
    });
  }

  bool has_gap_after(const std::string& id) override {
    const auto after = numbers_of(id.empty() ? before_all : id);
    return quick_.ask([&](Connection& connection) {
      const Reply info = stream_info(connection);
      const std::int64_t added = info_field(info, "entries-added", "").integer;
      const std::int64_t length = info_field(info, "length", "").integer;
      const Reply first = info_field(info, "first-entry", "");
      const std::string oldest = first.kind == Reply::Kind::list
                                     ? first.list.at(0).text
                                     : info_field(info, "last-generated-id", before_all).text;
      return added > length && after < numbers_of(oldest);
    });
  }

  bool event_before(const std::string& a, const std::string& b) const override {
    return numbers_of(a) < numbers_of(b);
  }

  void stop_reading() override { stopped_ = true; }

 private:
  std::vector<Event> read(ConnectionPool& pool, const std::string& from, int limit,
                          std::chrono::milliseconds block) {
    std::vector<std::string> words{"XREAD", "COUNT", std::to_string(limit)};
    if (block.count() > 0) {
      words.insert(words.end(), {"BLOCK", std::to_string(block.count())});
    }
    words.insert(words.end(), {"STREAMS", "tessera:events", from});
    return pool.ask([&](Connection& connection) {
      const Reply reply = connection.command(words, block);
      std::vector<Event> events;
      if (!reply.list.empty()) {
        for (const Reply& entry : reply.list[0].list.at(1).list) {
          std::string problem;
          events.push_back(event_from(entry, problem));
          if (events.back().type == Event::unreadable) {
            unreadable_.found(connection, "event", events.back().id, problem);
          }
        }
      }
      return events;
    });
  }

  /// Empty if there has never been an event.
  static Reply stream_info(Connection& connection) {
    if (connection.command({"EXISTS", "tessera:events"}).integer == 0) {
      return {};
    }
    return connection.command({"XINFO", "STREAM", "tessera:events"});
  }
  static Reply info_field(const Reply& info, std::string_view name, const std::string& otherwise) {
    for (std::size_t i = 0; i + 1 < info.list.size(); i += 2) {
      if (info.list[i].text == name) {
        return info.list[i + 1];
      }
    }
    Reply reply;
    reply.text = otherwise;
    return reply;
  }

  const StateOptions options_;
  ConnectionPool blocking_;  ///< used by waiting readers
  ConnectionPool quick_;
  UnreadableNotes unreadable_;
  std::atomic<bool> stopped_{false};
};

}  // namespace

std::unique_ptr<EventLog> open_events(const Address& address, const StateOptions& options) {
  return std::make_unique<RedisEventLog>(address, options);
}

}  // namespace tessera::redis
