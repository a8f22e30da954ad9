// Server-Sent Events, taken apart as they come (HTML Living Standard, section 9.2).
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace tessera {

struct StreamedEvent {
  std::string id;    ///< the last that was sent, with this event or before it
  std::string type;  ///< "message" if the event has none
  std::string data;
};

class EventStreamReader {
 public:
  /// `take` returns false to end the stream.
  explicit EventStreamReader(std::function<bool(const StreamedEvent&)> take) : take_(std::move(take)) {}
  /// The next bytes that came. False once `take` has ended it. Throws Error(unavailable) for an event that is
  /// longer than any that Tessera sends.
  bool feed(std::string_view bytes);
  /// Of the last that came whole, also if it had nothing but the id; empty if none has come.
  [[nodiscard]] const std::string& last_id() const { return last_id_; }

 private:
  bool take_line(std::string_view line);
  std::function<bool(const StreamedEvent&)> take_;
  std::string partial_;
  StreamedEvent event_;
  std::string last_id_;
  bool has_data_ = false;
};

}  // namespace tessera
