#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <mutex>

#include "adapters/redis/state_parts.hpp"
#include "core/error.hpp"

namespace tessera::redis {
namespace {

constexpr const char* before_all = "0-0";
/// A reader that is told to stop notices within this time.
constexpr std::chrono::milliseconds longest_block{200};

/// Of a stream: milliseconds and a counter.
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
    throw Error(ErrorCode::usage, fmt::format("'{}' is no id of an event.", id.substr(0, 100)));
  }
  return numbers;
}

Event event_from(const Reply& entry) {
  Event event;
  event.id = entry.list.at(0).text;
  const std::vector<Reply>& fields = entry.list.at(1).list;
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
      event.time = from_ms(std::stoll(value));
    } else if (name == "data") {
      event.data = Json::parse(value);
    }
  }
  return event;
}

class RedisEventLog final : public EventLog {
 public:
  explicit RedisEventLog(const Address& address) : blocking_(address), quick_(address) {}

  std::vector<Event> read_after(const std::string& id, int limit,
                                std::chrono::milliseconds patience) override {
    const std::string from = id.empty() ? before_all : id;
    static_cast<void>(numbers_of(from));
    const auto deadline = std::chrono::steady_clock::now() + patience;
    for (;;) {
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      const bool wait = left.count() > 0 && !stopped_;
      std::vector<Event> events =
          wait ? read(blocking_, blocking_mutex_, from, limit, std::min(left, longest_block))
               : read(quick_, quick_mutex_, from, limit, {});
      if (!events.empty() || !wait) {
        return events;
      }
    }
  }

  std::string newest_id() override {
    const std::lock_guard guard(quick_mutex_);
    std::string newest = before_all;
    quick_.with_patience([&] { newest = info_field(stream_info(), "last-generated-id", before_all).text; });
    return newest;
  }

  bool has_gap_after(const std::string& id) override {
    const auto after = numbers_of(id.empty() ? before_all : id);
    const std::lock_guard guard(quick_mutex_);
    bool gap = false;
    quick_.with_patience([&] {
      const Reply info = stream_info();
      const std::int64_t added = info_field(info, "entries-added", "").integer;
      const std::int64_t length = info_field(info, "length", "").integer;
      const Reply first = info_field(info, "first-entry", "");
      const std::string oldest = first.kind == Reply::Kind::list
                                     ? first.list.at(0).text
                                     : info_field(info, "last-generated-id", before_all).text;
      gap = added > length && after < numbers_of(oldest);
    });
    return gap;
  }

  bool event_before(const std::string& a, const std::string& b) const override {
    return numbers_of(a) < numbers_of(b);
  }

  void stop_reading() override { stopped_ = true; }

 private:
  static std::vector<Event> read(Connection& connection, std::mutex& mutex, const std::string& from,
                                 int limit, std::chrono::milliseconds block) {
    std::vector<std::string> words{"XREAD", "COUNT", std::to_string(limit)};
    if (block.count() > 0) {
      words.insert(words.end(), {"BLOCK", std::to_string(block.count())});
    }
    words.insert(words.end(), {"STREAMS", "tessera:events", from});
    const std::lock_guard guard(mutex);
    std::vector<Event> events;
    connection.with_patience([&] {
      const Reply reply = connection.command(words, block);
      events.clear();
      if (!reply.list.empty()) {
        for (const Reply& entry : reply.list[0].list.at(1).list) {
          events.push_back(event_from(entry));
        }
      }
    });
    return events;
  }

  /// Nothing if there has never been an event.
  Reply stream_info() {
    if (quick_.command({"EXISTS", "tessera:events"}).integer == 0) {
      return {};
    }
    return quick_.command({"XINFO", "STREAM", "tessera:events"});
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

  std::mutex blocking_mutex_;
  Connection blocking_;  ///< may be held by a reader that waits
  std::mutex quick_mutex_;
  Connection quick_;
  std::atomic<bool> stopped_{false};
};

}  // namespace

std::unique_ptr<EventLog> open_events(const Address& address) {
  return std::make_unique<RedisEventLog>(address);
}

}  // namespace tessera::redis
