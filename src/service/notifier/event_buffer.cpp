// SPDX-License-Identifier: Apache-2.0
#include "service/notifier/event_buffer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "service/views.hpp"

namespace tessera::service {
namespace {

/// The job view as text; null if the data is not a job, as another version may have written it.
std::string job_text(const Json& data) {
  try {
    return (data.is_null() ? Json() : job_view(data)).dump(-1, ' ', false, Json::error_handler_t::replace);
  } catch (const Json::exception&) {
    return "null";
  }
}

}  // namespace

http::Message MessageMemory::make(std::string text) const {
  const std::size_t size = text.capacity();
  *bytes_ += size;
  return {new std::string(std::move(text)), [bytes = bytes_, size](const std::string* message) {
            delete message;
            *bytes -= size;
          }};
}

SerializedEvent::SerializedEvent(const Event& event)
    : event_{event.id, event.type, event.job_id, event.batch_id, event.owner, event.time, Json()},
      job_(job_text(event.data)) {}

http::Message SerializedEvent::message(bool websocket, const MessageMemory& memory) {
  std::weak_ptr<const std::string>& known = websocket ? websocket_ : stream_;
  http::Message message = known.lock();
  if (!message) {
    message =
        memory.make(websocket ? fmt::format(R"({{"id":{},"event":{},"job":{}}})", Json(event_.id).dump(),
                                            Json(event_.type).dump(), job_)
                              : fmt::format("id: {}\nevent: {}\ndata: {}\n\n", event_.id, event_.type, job_));
    known = message;
  }
  return message;
}

std::size_t SerializedEvent::bytes() const {
  return sizeof(SerializedEvent) + job_.capacity() + event_.id.capacity() + event_.job_id.capacity() +
         event_.batch_id.capacity() + event_.owner.capacity();
}

SerializedEvent& EventBuffer::append(SerializedEvent serialized) {
  bytes_ += serialized.bytes();
  events_.push_back(std::move(serialized));
  while (events_.size() > 1 && (events_.size() > max_events_ || bytes_ > max_bytes_)) {
    begin_ = events_.front().event().id;
    bytes_ -= events_.front().bytes();
    events_.pop_front();
  }
  return events_.back();
}

void EventBuffer::prepend(std::string begin, const std::string& end, std::vector<SerializedEvent> events) {
  std::size_t more_bytes = 0;
  for (const SerializedEvent& serialized : events) {
    more_bytes += serialized.bytes();
  }
  if (begin_ != end || !has_room(events.size(), more_bytes)) {
    return;
  }
  events_.insert(events_.begin(), std::make_move_iterator(events.begin()),
                 std::make_move_iterator(events.end()));
  bytes_ += more_bytes;
  begin_ = std::move(begin);
}

void EventBuffer::for_each_after(const std::string& id, const std::function<void(SerializedEvent&)>& take) {
  auto serialized = std::partition_point(events_.begin(), events_.end(), [&](const SerializedEvent& one) {
    return !log_.event_before(id, one.event().id);
  });
  std::for_each(serialized, events_.end(), take);
}

}  // namespace tessera::service
