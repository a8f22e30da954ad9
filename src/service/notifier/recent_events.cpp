#include "service/notifier/recent_events.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "service/views.hpp"

namespace tessera::service {

const http::Message& Wire::message(bool websocket) {
  http::Message& message = websocket ? websocket_ : stream_;
  if (!message) {
    const Json job = event_.data.is_null() ? Json() : job_view(event_.data);
    message = std::make_shared<const std::string>(
        websocket ? Json{{"id", event_.id}, {"event", event_.type}, {"job", job}}.dump()
                  : fmt::format("id: {}\nevent: {}\ndata: {}\n\n", event_.id, event_.type, job.dump()));
  }
  return message;
}

Wire& RecentEvents::append(Event event) {
  wires_.emplace_back(std::move(event));
  if (wires_.size() > most_) {
    begin_ = wires_.front().event().id;
    wires_.pop_front();
  }
  return wires_.back();
}

void RecentEvents::prepend(std::string begin, const std::string& end, std::vector<Event> events) {
  if (begin_ != end || events.size() > room()) {
    return;
  }
  std::for_each(events.rbegin(), events.rend(),
                [this](Event& event) { wires_.emplace_front(std::move(event)); });
  begin_ = std::move(begin);
}

void RecentEvents::for_each_after(const std::string& id, const std::function<void(Wire&)>& take) {
  auto wire = std::partition_point(wires_.begin(), wires_.end(),
                                   [&](const Wire& one) { return !log_.event_before(id, one.event().id); });
  std::for_each(wire, wires_.end(), take);
}

}  // namespace tessera::service
