// SPDX-License-Identifier: Apache-2.0
// A parser for Server-Sent Events (HTML Living Standard, section 9.2).
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace tessera {

struct StreamedEvent {
  std::string id;    ///< the last id sent, with this event or before
  std::string type;  ///< "message" if the event has none
  std::string data;
};

class EventStreamReader {
 public:
  /// `on_event` returns false to end the stream.
  explicit EventStreamReader(std::function<bool(const StreamedEvent&)> on_event)
      : on_event_(std::move(on_event)) {}
  /// Parses received bytes. False once `on_event` has ended the stream. Throws Error(unavailable) for an
  /// event that is longer than any that Tessera sends.
  bool feed(std::string_view bytes);
  /// Id of the last complete event, even one that consists only of an id; empty if there was none.
  [[nodiscard]] const std::string& last_id() const { return last_id_; }

 private:
  bool handle_line(std::string_view line);
  std::function<bool(const StreamedEvent&)> on_event_;
  std::string partial_;
  StreamedEvent event_;
  std::string last_id_;
  bool has_data_ = false;
};

}  // namespace tessera
