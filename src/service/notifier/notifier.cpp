// SPDX-License-Identifier: Apache-2.0
#include "service/notifier/notifier.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>
#include <set>

#include "base/error.hpp"
#include "http/problem.hpp"
#include "log/guarded_thread.hpp"
#include "net/backoff.hpp"
#include "service/openapi.hpp"
#include "service/views.hpp"

namespace tessera::service {
namespace {

using namespace std::chrono_literals;

constexpr int event_batch_size = 100;
constexpr std::chrono::milliseconds event_timeout = 1s;
constexpr std::chrono::milliseconds heartbeat_interval = 15s;

}  // namespace

bool Notifier::Filter::matches(const Event& event) const {
  return event.type != Event::unreadable && caller.may_see(event.owner) &&
         (job_id.empty() || event.job_id == job_id) && (batch_id.empty() || event.batch_id == batch_id);
}

Notifier::Notifier(NotifierOptions options, NotifierPorts ports)
    : options_(std::move(options)),
      ports_(ports),
      buffer_(ports_.events, ports_.events.newest_id(), options_.max_recent_events,
              options_.max_recent_bytes) {
  distributor_ = std::jthread([this](const std::stop_token& stop) {
    run_guarded("following events", options_.log.get(), stop, [this] { distribute(); });
  });
  token_watcher_ = std::jthread([this](const std::stop_token& stop) {
    run_guarded("watching tokens", options_.log.get(), stop, [this] { watch_tokens(); });
  });
}

Notifier::~Notifier() { stop(); }

void Notifier::stop() {
  {
    const std::scoped_lock lock(mutex_);
    if (stopping_) {
      return;
    }
    stopping_ = true;
    stop_requested_.notify_all();
    for (const Subscriber& subscriber : subscribers_) {
      subscriber.channel->finish();
    }
    subscribers_.clear();
  }
  ports_.events.stop_reading();
  distributor_.request_stop();
  distributor_.join();
  token_watcher_.request_stop();
  token_watcher_.join();
}

void Notifier::watch_tokens() {
  std::unique_lock lock(mutex_);
  while (!stop_requested_.wait_for(lock, options_.token_check_interval, [this] { return stopping_; })) {
    lock.unlock();
    end_streams_of_ended_tokens();
    lock.lock();
  }
}

void Notifier::end_streams_of_ended_tokens() {
  std::map<std::string, Caller> callers;
  {
    const std::scoped_lock lock(mutex_);
    for (const Subscriber& subscriber : subscribers_) {
      callers.emplace(subscriber.filter.caller.token_hash, subscriber.filter.caller);
    }
  }
  std::set<std::string> ended;
  for (const auto& [hash, caller] : callers) {
    try {
      if (!ports_.access.is_still_valid(caller)) {
        ended.insert(hash);
      }
    } catch (const std::exception& error) {
      // An unavailable store says nothing about tokens, but the expiry time is known.
      if (caller.token_expires && *caller.token_expires <= system_now()) {
        ended.insert(hash);
      } else if (options_.log) {
        options_.log->warn("the tokens of event streams could not be checked: {}", error.what());
      }
    }
  }
  const std::scoped_lock lock(mutex_);
  std::erase_if(subscribers_, [&](const Subscriber& subscriber) {
    const bool over = ended.contains(subscriber.filter.caller.token_hash);
    if (over) {
      subscriber.channel->finish();
    }
    return over;
  });
}

std::size_t Notifier::subscribers() {
  const std::scoped_lock lock(mutex_);
  return subscribers_.size();
}

void Notifier::mount(http::Router& router) {
  const auto admit = require_stream_scope(ports_.access);
  const std::vector<DocumentedQuery> query{
      {"job", "Only of this job."},
      {"batch", "Only of the jobs of this batch."},
      {"after", "Only events after this id; same as the header Last-Event-ID."},
      {"token", "A stream token from POST /v1/stream-tokens, in place of the header Authorization."}};
  router.add(
      "GET", "/v1/events", admit, [this](http::Request& request) { return subscribe(request, false); },
      operation({.id = "followEvents",
                 .tag = "Events",
                 .summary = "Changes of jobs, as Server-Sent Events.",
                 .answers = {{200, "An endless stream.", "Text", "text/event-stream"}},
                 .query = query}));
  router.add(
      "GET", "/v1/events/socket", admit, [this](http::Request& request) { return subscribe(request, true); },
      operation({.id = "followEventsBySocket",
                 .tag = "Events",
                 .summary = "The same over a WebSocket.",
                 .answers = {{101, "The WebSocket begins."}},
                 .query = query}));
}

void Notifier::check_capacity(const std::string& owner) const {
  int open = 0;
  int of_owner = 0;
  for (const Subscriber& subscriber : subscribers_) {
    if (!subscriber.channel->ended()) {
      ++open;
      of_owner += subscriber.filter.caller.owner == owner ? 1 : 0;
    }
  }
  if (open >= options_.max_subscribers) {
    throw Error(ErrorCode::busy,
                fmt::format("{} clients are connected, which is the limit; try again later.", open));
  }
  if (of_owner >= options_.max_subscribers_per_owner) {
    throw http::ProblemError(http::make_problem(
        "over-quota", fmt::format("'{}' follows events over {} connections, which is the limit for one "
                                  "owner: close some.",
                                  owner, of_owner)));
  }
}

http::Response Notifier::subscribe(const http::Request& request, bool websocket) {
  Subscriber subscriber{std::make_shared<http::Channel>(options_.max_behind_bytes),
                        {caller_of(request), request.query_value("job").value_or(""),
                         request.query_value("batch").value_or("")},
                        websocket,
                        request.query_value("after").value_or(request.header("Last-Event-ID"))};
  {
    const std::scoped_lock lock(mutex_);
    check_capacity(subscriber.filter.caller.owner);
  }
  bool whole = false;
  if (subscriber.last_id.empty()) {
    whole = true;
    subscriber.last_id = ports_.events.newest_id();
  } else if (ports_.events.has_gap_after(subscriber.last_id)) {
    whole = true;
    subscriber.last_id = ports_.events.newest_id();
    const Event reset{subscriber.last_id, "reset", {}, {}, {}, {}, Json()};
    SerializedEvent serialized(reset);
    subscriber.channel->offer(serialized.message(websocket, messages_));
  }
  if (whole && !websocket) {
    // Sends the starting id, so that a client can resume even if its connection ends before the first event.
    subscriber.channel->offer(
        std::make_shared<const std::string>(fmt::format("id: {}\n\n", subscriber.last_id)));
  }
  // The states are read after the log position, so that a concurrent change is reported twice rather than not
  // at all.
  if (whole) {
    snapshot(subscriber);
  }
  catch_up(subscriber, request);

  http::PushContent content;
  content.channel = subscriber.channel;
  content.websocket = websocket;
  content.heartbeat = ": heartbeat\n\n";
  content.heartbeat_interval = heartbeat_interval;
  // Disables nginx's response buffering.
  return http::Response{
      200,
      {{"Content-Type", "text/event-stream"}, {"Cache-Control", "no-store"}, {"X-Accel-Buffering", "no"}},
      std::move(content)};
}

void Notifier::snapshot(Subscriber& subscriber) {
  const auto refuse = [](const char* kind, const std::string& id) {
    throw Error(ErrorCode::not_found, fmt::format("There is no {} '{}'.", kind, id.substr(0, 100)));
  };
  const Filter& filter = subscriber.filter;
  std::vector<Job> jobs;
  if (!filter.job_id.empty()) {
    jobs = ports_.jobs.find_all({filter.job_id});
    if (jobs.empty() || !filter.caller.may_see(jobs.front().owner)) {
      refuse("job", filter.job_id);
    }
  } else if (!filter.batch_id.empty()) {
    const auto batch = ports_.jobs.find_batch(filter.batch_id);
    if (!batch || !filter.caller.may_see(batch->owner)) {
      refuse("batch", filter.batch_id);
    }
    jobs = ports_.jobs.find_all(batch->job_ids);
  }
  for (const Job& job : jobs) {
    const Event event{subscriber.last_id, "snapshot",  job.id,      job.batch_id,
                      job.owner,          job.updated, to_json(job)};
    SerializedEvent serialized(event);
    if (!subscriber.channel->offer(serialized.message(subscriber.websocket, messages_))) {
      throw Error(
          ErrorCode::limit_exceeded,
          fmt::format("The {} jobs take more than the {} bytes that a stream may start with: follow fewer "
                      "at a time.",
                      jobs.size(), options_.max_behind_bytes));
    }
  }
}

void Notifier::deliver(Subscriber& subscriber, SerializedEvent& serialized) const {
  subscriber.last_id = serialized.event().id;
  if (subscriber.filter.matches(serialized.event()) &&
      !subscriber.channel->offer(serialized.message(subscriber.websocket, messages_))) {
    // Too far behind: what is queued is still sent, then the client has to reconnect.
    subscriber.channel->finish();
  }
}

void Notifier::replay(const std::string& id) {
  const std::scoped_lock one_at_a_time(replay_mutex_);
  std::string end;
  {
    const std::scoped_lock lock(mutex_);
    if (buffer_.covers(id)) {
      return;
    }
    end = buffer_.begin();
  }
  std::vector<SerializedEvent> older;
  std::size_t older_bytes = 0;
  std::string from = id;
  for (bool more = true; more;) {
    {
      const std::scoped_lock lock(mutex_);
      if (!buffer_.has_room(older.size(), older_bytes)) {
        return;
      }
    }
    more = false;
    for (const Event& event : ports_.events.read_after(from, event_batch_size, 0ms)) {
      more = !ports_.events.event_before(end, event.id);
      if (!more) {
        break;
      }
      from = event.id;
      older_bytes += older.emplace_back(event).bytes();
    }
  }
  const std::scoped_lock lock(mutex_);
  buffer_.prepend(id, end, std::move(older));
}

/// Delivers past events, and then hands the subscriber over to the distributor without a gap.
void Notifier::catch_up(Subscriber& subscriber, const http::Request& request) {
  replay(subscriber.last_id);
  for (;;) {
    {
      const std::scoped_lock lock(mutex_);
      if (stopping_) {
        subscriber.channel->finish();
        return;
      }
      if (subscriber.channel->ended()) {
        return;  // its buffer is full; it will request the rest when it reconnects
      }
      check_capacity(subscriber.filter.caller.owner);
      if (buffer_.covers(subscriber.last_id)) {
        buffer_.for_each_after(subscriber.last_id,
                               [&](SerializedEvent& serialized) { deliver(subscriber, serialized); });
        subscribers_.push_back(subscriber);
        return;
      }
    }
    // Older than the buffered events.
    request.check_cancelled();
    const std::vector<Event> events = ports_.events.read_after(subscriber.last_id, event_batch_size, 0ms);
    for (const Event& event : events) {
      SerializedEvent serialized(event);
      deliver(subscriber, serialized);
    }
    if (events.empty()) {
      // The log has no more events after it, so there are none before the buffered ones either.
      const std::scoped_lock lock(mutex_);
      subscriber.last_id = buffer_.begin();
    }
  }
}

void Notifier::distribute() {
  Backoff backoff(100ms, 5s);
  for (;;) {
    std::string from;
    {
      const std::scoped_lock lock(mutex_);
      if (stopping_) {
        return;
      }
      from = buffer_.newest_id();
    }
    try {
      distribute_after(from);
      backoff.reset();
    } catch (const std::exception& error) {
      if (options_.log) {
        options_.log->error("cannot follow events: {}", error.what());
      }
      std::unique_lock lock(mutex_);
      stop_requested_.wait_for(lock, backoff.next(), [this] { return stopping_; });
    }
  }
}

void Notifier::distribute_after(const std::string& id) {
  const std::vector<Event> events = ports_.events.read_after(id, event_batch_size, event_timeout);
  const std::scoped_lock lock(mutex_);
  std::erase_if(subscribers_, [](const Subscriber& subscriber) { return subscriber.channel->ended(); });
  for (const Event& event : events) {
    SerializedEvent& serialized = buffer_.append(SerializedEvent(event));
    for (Subscriber& subscriber : subscribers_) {
      if (ports_.events.event_before(subscriber.last_id, event.id)) {
        deliver(subscriber, serialized);
      }
    }
    if (options_.on_event && event.type != Event::unreadable) {
      options_.on_event(event);
    }
  }
  disconnect_slow_subscribers();
}

void Notifier::disconnect_slow_subscribers() {
  if (messages_.bytes() <= options_.max_total_behind_bytes) {
    return;
  }
  std::vector<std::pair<std::size_t, http::Channel*>> behind;
  for (const Subscriber& subscriber : subscribers_) {
    behind.emplace_back(subscriber.channel->pending_bytes(), subscriber.channel.get());
  }
  std::ranges::sort(behind, std::ranges::greater());
  for (const auto& [bytes, channel] : behind) {
    if (messages_.bytes() <= options_.max_total_behind_bytes) {
      break;
    }
    channel->close();
  }
}

}  // namespace tessera::service
