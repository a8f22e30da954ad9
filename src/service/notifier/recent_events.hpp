// The newest events, ready to be sent. Clients that come back are caught up from here: a thousand that come
// at once, as after a restart, would each read and parse the log otherwise.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "http/channel.hpp"
#include "ports/job_store.hpp"

namespace tessera::service {

/// One event in the two forms it is sent in, made when first needed.
class Wire {
 public:
  explicit Wire(Event event) : event_(std::move(event)) {}
  [[nodiscard]] const Event& event() const { return event_; }
  [[nodiscard]] const http::Message& message(bool websocket);

 private:
  Event event_;
  http::Message stream_;
  http::Message websocket_;
};

/// All events after begin(), up to the last appended. Not safe to use from several threads at once.
class RecentEvents {
 public:
  /// Holds none yet. `log` only compares ids here.
  RecentEvents(const EventLog& log, std::string begin, std::size_t most)
      : log_(log), begin_(std::move(begin)), most_(most) {}

  [[nodiscard]] const std::string& begin() const { return begin_; }
  /// Of the last event, or begin().
  [[nodiscard]] const std::string& newest_id() const {
    return wires_.empty() ? begin_ : wires_.back().event().id;
  }
  [[nodiscard]] std::size_t room() const { return most_ - wires_.size(); }
  /// Whether every event after `id` is here.
  [[nodiscard]] bool covers(const std::string& id) const { return !log_.event_before(id, begin_); }
  /// The next event of the log; the oldest is dropped where there would be too many.
  Wire& append(Event event);
  /// All events of the log after `begin` and up to begin() as it was when they were read (`end`), so that it
  /// covers `begin` from now on. Nothing happens if it is another by now, or if there is no room.
  void prepend(std::string begin, const std::string& end, std::vector<Event> events);
  void for_each_after(const std::string& id, const std::function<void(Wire&)>& take);

 private:
  const EventLog& log_;
  std::string begin_;
  std::size_t most_;
  std::deque<Wire> wires_;
};

}  // namespace tessera::service
