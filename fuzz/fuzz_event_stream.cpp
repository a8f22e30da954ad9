// SPDX-License-Identifier: Apache-2.0
// Any bytes as a stream of events: the same events whatever the pieces it comes in, or refused.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "client/event_stream.hpp"

namespace {

std::vector<std::string> events_of(std::string_view text, std::size_t piece_bytes) {
  std::vector<std::string> events;
  tessera::EventStreamReader reader([&](const tessera::StreamedEvent& event) {
    events.insert(events.end(), {event.id, event.type, event.data});
    return true;
  });
  try {
    for (std::size_t at = 0; at < text.size(); at += piece_bytes) {
      if (!reader.feed(text.substr(at, piece_bytes))) {
        std::abort();
      }
    }
  } catch (const tessera::Error&) {
    events.emplace_back("refused");
  }
  return events;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::vector<std::string> events = events_of(text, 1 + size);
  if (events != events_of(text, 1) || events != events_of(text, 7)) {
    std::abort();
  }
  return 0;
}
