// The newest events, ready to be sent. Clients that come back are caught up from here: a thousand that come
// at once, as after a restart, would each read and parse the log otherwise.
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

/// Makes messages, and knows what all that are alive take, however many clients each is on its way to.
class MessageMemory {
 public:
  [[nodiscard]] http::Message make(std::string text) const;
  [[nodiscard]] std::size_t bytes() const { return *bytes_; }

 private:
  std::shared_ptr<std::atomic<std::size_t>> bytes_ = std::make_shared<std::atomic<std::size_t>>(0);
};

/// One event as text, and in the two forms it is sent in, made when they are needed.
class Wire {
 public:
  explicit Wire(const Event& event);
  /// Without its data.
  [[nodiscard]] const Event& event() const { return event_; }
  [[nodiscard]] http::Message message(bool websocket, const MessageMemory& memory);
  [[nodiscard]] std::size_t bytes() const;

 private:
  Event event_;
  std::string job_;  ///< JSON, as clients see it
  // Others may take as long as they want to send them.
  std::weak_ptr<const std::string> stream_;
  std::weak_ptr<const std::string> websocket_;
};

/// All events after begin(), up to the last appended. Not safe to use from several threads at once.
class RecentEvents {
 public:
  /// Holds none yet. `log` only compares ids here.
  RecentEvents(const EventLog& log, std::string begin, std::size_t most, std::size_t most_bytes)
      : log_(log), begin_(std::move(begin)), most_(most), most_bytes_(most_bytes) {}

  [[nodiscard]] const std::string& begin() const { return begin_; }
  /// Of the last event, or begin().
  [[nodiscard]] const std::string& newest_id() const {
    return wires_.empty() ? begin_ : wires_.back().event().id;
  }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] bool has_room(std::size_t more, std::size_t more_bytes) const {
    return wires_.size() + more <= most_ && bytes_ + more_bytes <= most_bytes_;
  }
  /// Whether every event after `id` is here.
  [[nodiscard]] bool covers(const std::string& id) const { return !log_.event_before(id, begin_); }
  /// The next event of the log; the oldest are dropped where there would be too many, or too many bytes.
  Wire& append(Wire wire);
  /// All events of the log after `begin` and up to begin() as it was when they were read (`end`), so that it
  /// covers `begin` from now on. Nothing happens if it is another by now, or if there is no room.
  void prepend(std::string begin, const std::string& end, std::vector<Wire> wires);
  void for_each_after(const std::string& id, const std::function<void(Wire&)>& take);

 private:
  const EventLog& log_;
  std::string begin_;
  std::size_t most_;
  std::size_t most_bytes_;
  std::size_t bytes_ = 0;
  std::deque<Wire> wires_;
};

}  // namespace tessera::service
