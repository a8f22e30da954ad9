// SPDX-License-Identifier: Apache-2.0
// A buffer of the newest events, serialized. Clients that reconnect are served from here: a thousand of them
// at once, as after a restart, would otherwise each read and parse the log.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "http/channel.hpp"
#include "ports/job_store.hpp"

namespace tessera::service {

/// Creates messages and tracks the total memory of those alive, however many clients share each.
class MessageMemory {
 public:
  [[nodiscard]] http::Message make(std::string text) const;
  [[nodiscard]] std::size_t bytes() const { return *bytes_; }

 private:
  std::shared_ptr<std::atomic<std::size_t>> bytes_ = std::make_shared<std::atomic<std::size_t>>(0);
};

/// One event, serialized on demand in the two forms that are sent.
class SerializedEvent {
 public:
  explicit SerializedEvent(const Event& event);
  /// The event without its data.
  [[nodiscard]] const Event& event() const { return event_; }
  [[nodiscard]] http::Message message(bool websocket, const MessageMemory& memory);
  [[nodiscard]] std::size_t bytes() const;

 private:
  Event event_;
  std::string job_;  ///< JSON, as sent to clients
  // The messages are owned by the channels that still send them.
  std::weak_ptr<const std::string> stream_;
  std::weak_ptr<const std::string> websocket_;
};

/// All events after begin(), up to the last one appended. Not safe to use from several threads at once.
class EventBuffer {
 public:
  /// Starts empty. `log` is only used to compare ids.
  EventBuffer(const EventLog& log, std::string begin, std::size_t max_events, std::size_t max_bytes)
      : log_(log), begin_(std::move(begin)), max_events_(max_events), max_bytes_(max_bytes) {}

  [[nodiscard]] const std::string& begin() const { return begin_; }
  /// Id of the last event, or begin().
  [[nodiscard]] const std::string& newest_id() const {
    return events_.empty() ? begin_ : events_.back().event().id;
  }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] bool has_room(std::size_t more, std::size_t more_bytes) const {
    return events_.size() + more <= max_events_ && bytes_ + more_bytes <= max_bytes_;
  }
  /// Whether every event after `id` is buffered.
  [[nodiscard]] bool covers(const std::string& id) const { return !log_.event_before(id, begin_); }
  /// Appends the next event of the log; drops the oldest ones if the limits are exceeded.
  SerializedEvent& append(SerializedEvent serialized);
  /// Prepends all events of the log after `begin` up to `end`, which was begin() when they were read; the
  /// buffer then covers `begin`. Does nothing if begin() has changed or if there is no room.
  void prepend(std::string begin, const std::string& end, std::vector<SerializedEvent> events);
  void for_each_after(const std::string& id, const std::function<void(SerializedEvent&)>& take);

 private:
  const EventLog& log_;
  std::string begin_;
  std::size_t max_events_;
  std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  std::deque<SerializedEvent> events_;
};

}  // namespace tessera::service
