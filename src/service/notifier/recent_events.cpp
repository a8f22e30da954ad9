#include "service/notifier/recent_events.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "service/views.hpp"

namespace tessera::service {
namespace {

/// The view as text; null for what is no job, as another version may have written it.
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

Wire::Wire(const Event& event)
    : event_{event.id, event.type, event.job_id, event.batch_id, event.owner, event.time, Json()},
      job_(job_text(event.data)) {}

http::Message Wire::message(bool websocket, const MessageMemory& memory) {
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

std::size_t Wire::bytes() const {
  return sizeof(Wire) + job_.capacity() + event_.id.capacity() + event_.job_id.capacity() +
         event_.batch_id.capacity() + event_.owner.capacity();
}

Wire& RecentEvents::append(Wire wire) {
  bytes_ += wire.bytes();
  wires_.push_back(std::move(wire));
  while (wires_.size() > 1 && (wires_.size() > most_ || bytes_ > most_bytes_)) {
    begin_ = wires_.front().event().id;
    bytes_ -= wires_.front().bytes();
    wires_.pop_front();
  }
  return wires_.back();
}

void RecentEvents::prepend(std::string begin, const std::string& end, std::vector<Wire> wires) {
  std::size_t more_bytes = 0;
  for (const Wire& wire : wires) {
    more_bytes += wire.bytes();
  }
  if (begin_ != end || !has_room(wires.size(), more_bytes)) {
    return;
  }
  wires_.insert(wires_.begin(), std::make_move_iterator(wires.begin()), std::make_move_iterator(wires.end()));
  bytes_ += more_bytes;
  begin_ = std::move(begin);
}

void RecentEvents::for_each_after(const std::string& id, const std::function<void(Wire&)>& take) {
  auto wire = std::partition_point(wires_.begin(), wires_.end(),
                                   [&](const Wire& one) { return !log_.event_before(id, one.event().id); });
  std::for_each(wire, wires_.end(), take);
}

}  // namespace tessera::service
