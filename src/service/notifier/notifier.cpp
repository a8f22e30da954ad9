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

constexpr int events_at_once = 100;
constexpr std::chrono::milliseconds event_patience = 1s;
constexpr std::chrono::milliseconds heartbeat_interval = 15s;

}  // namespace

bool Notifier::Filter::wants(const Event& event) const {
  return event.type != Event::unreadable && caller.sees(event.owner) &&
         (job_id.empty() || event.job_id == job_id) && (batch_id.empty() || event.batch_id == batch_id);
}

Notifier::Notifier(NotifierOptions options, NotifierPorts ports)
    : options_(std::move(options)),
      ports_(ports),
      recent_(ports_.events, ports_.events.newest_id(), options_.max_recent_events,
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
      if (!ports_.access.still_admits(caller)) {
        ended.insert(hash);
      }
    } catch (const std::exception& error) {
      // A store that is away says nothing about tokens, but the time does.
      if (caller.token_expires && *caller.token_expires <= system_now()) {
        ended.insert(hash);
      } else if (options_.log) {
        options_.log->warn("whether the tokens of streams are still good is not known: {}", error.what());
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
  const auto admit = needs_stream(ports_.access);
  const std::vector<DocumentedQuery> query{
      {"job", "Only of this job."},
      {"batch", "Only of the jobs of this batch."},
      {"after", "Events after the one of this id; the header Last-Event-ID says the same."},
      {"token", "In place of the header Authorization: what POST /v1/stream-tokens gave."}};
  router.add(
      "GET", "/v1/events", admit, [this](http::Request& request) { return subscribe(request, false); },
      operation({.id = "followEvents",
                 .tag = "Events",
                 .summary = "What happens to jobs, as Server-Sent Events.",
                 .answers = {{200, "A stream without end.", "Text", "text/event-stream"}},
                 .query = query}));
  router.add(
      "GET", "/v1/events/socket", admit, [this](http::Request& request) { return subscribe(request, true); },
      operation({.id = "followEventsBySocket",
                 .tag = "Events",
                 .summary = "The same over a WebSocket.",
                 .answers = {{101, "The WebSocket begins."}},
                 .query = query}));
}

void Notifier::check_place(const std::string& owner) const {
  int open = 0;
  int of_owner = 0;
  for (const Subscriber& subscriber : subscribers_) {
    if (!subscriber.channel->ended()) {
      ++open;
      of_owner += subscriber.filter.caller.owner == owner ? 1 : 0;
    }
  }
  if (open >= options_.max_subscribers) {
    throw Error(ErrorCode::busy, fmt::format("{} clients are connected already; try again later.", open));
  }
  if (of_owner >= options_.max_subscribers_per_owner) {
    throw http::ProblemError(http::make_problem(
        "over-quota",
        fmt::format("'{}' follows events over {} connections already, which is the limit for one "
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
    check_place(subscriber.filter.caller.owner);
  }
  bool whole = false;
  if (subscriber.last_id.empty()) {
    whole = true;
    subscriber.last_id = ports_.events.newest_id();
  } else if (ports_.events.has_gap_after(subscriber.last_id)) {
    whole = true;
    subscriber.last_id = ports_.events.newest_id();
    const Event reset{subscriber.last_id, "reset", {}, {}, {}, {}, Json()};
    Wire wire(reset);
    subscriber.channel->offer(wire.message(websocket, messages_));
  }
  if (whole && !websocket) {
    // A client whose connection ends before the first event comes back to this place.
    subscriber.channel->offer(
        std::make_shared<const std::string>(fmt::format("id: {}\n\n", subscriber.last_id)));
  }
  // The states are read after the place in the log: what changes meanwhile is told twice rather than not.
  if (whole) {
    snapshot(subscriber);
  }
  catch_up(subscriber, request);

  http::PushContent content;
  content.channel = subscriber.channel;
  content.websocket = websocket;
  content.heartbeat = ": all is quiet\n\n";
  content.heartbeat_interval = heartbeat_interval;
  // nginx keeps what it is sent until it has much of it, unless it is told not to.
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
    if (jobs.empty() || !filter.caller.sees(jobs.front().owner)) {
      refuse("job", filter.job_id);
    }
  } else if (!filter.batch_id.empty()) {
    const auto batch = ports_.jobs.find_batch(filter.batch_id);
    if (!batch || !filter.caller.sees(batch->owner)) {
      refuse("batch", filter.batch_id);
    }
    jobs = ports_.jobs.find_all(batch->job_ids);
  }
  for (const Job& job : jobs) {
    const Event event{subscriber.last_id, "snapshot",  job.id,      job.batch_id,
                      job.owner,          job.updated, to_json(job)};
    Wire wire(event);
    if (!subscriber.channel->offer(wire.message(subscriber.websocket, messages_))) {
      throw Error(
          ErrorCode::limit_exceeded,
          fmt::format("The {} jobs take more than the {} bytes that a stream may begin with: follow fewer "
                      "at a time.",
                      jobs.size(), options_.max_behind_bytes));
    }
  }
}

void Notifier::give(Subscriber& subscriber, Wire& wire) const {
  subscriber.last_id = wire.event().id;
  if (subscriber.filter.wants(wire.event()) &&
      !subscriber.channel->offer(wire.message(subscriber.websocket, messages_))) {
    // Too far behind: what is queued still goes out, then it has to connect again.
    subscriber.channel->finish();
  }
}

void Notifier::look_back(const std::string& id) {
  const std::scoped_lock one_at_a_time(looking_back_);
  std::string end;
  {
    const std::scoped_lock lock(mutex_);
    if (recent_.covers(id)) {
      return;
    }
    end = recent_.begin();
  }
  std::vector<Wire> older;
  std::size_t older_bytes = 0;
  std::string from = id;
  for (bool more = true; more;) {
    {
      const std::scoped_lock lock(mutex_);
      if (!recent_.has_room(older.size(), older_bytes)) {
        return;
      }
    }
    more = false;
    for (const Event& event : ports_.events.read_after(from, events_at_once, 0ms)) {
      more = !ports_.events.event_before(end, event.id);
      if (!more) {
        break;
      }
      from = event.id;
      older_bytes += older.emplace_back(event).bytes();
    }
  }
  const std::scoped_lock lock(mutex_);
  recent_.prepend(id, end, std::move(older));
}

/// Gives what has happened already, and then hands the subscriber to the distributor without a gap.
void Notifier::catch_up(Subscriber& subscriber, const http::Request& request) {
  look_back(subscriber.last_id);
  for (;;) {
    {
      const std::scoped_lock lock(mutex_);
      if (stopping_) {
        subscriber.channel->finish();
        return;
      }
      if (subscriber.channel->ended()) {
        return;  // it got as much as it may have at a time, and asks for the rest when it connects again
      }
      check_place(subscriber.filter.caller.owner);
      if (recent_.covers(subscriber.last_id)) {
        recent_.for_each_after(subscriber.last_id, [&](Wire& wire) { give(subscriber, wire); });
        subscribers_.push_back(subscriber);
        return;
      }
    }
    // Further back than what is kept here.
    request.check_attention();
    const std::vector<Event> events = ports_.events.read_after(subscriber.last_id, events_at_once, 0ms);
    for (const Event& event : events) {
      Wire wire(event);
      give(subscriber, wire);
    }
    if (events.empty()) {
      // The log has nothing after it any more: there is nothing before what is kept here either.
      const std::scoped_lock lock(mutex_);
      subscriber.last_id = recent_.begin();
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
      from = recent_.newest_id();
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
  const std::vector<Event> events = ports_.events.read_after(id, events_at_once, event_patience);
  const std::scoped_lock lock(mutex_);
  std::erase_if(subscribers_, [](const Subscriber& subscriber) { return subscriber.channel->ended(); });
  for (const Event& event : events) {
    Wire& wire = recent_.append(Wire(event));
    for (Subscriber& subscriber : subscribers_) {
      if (ports_.events.event_before(subscriber.last_id, event.id)) {
        give(subscriber, wire);
      }
    }
    if (options_.on_event && event.type != Event::unreadable) {
      options_.on_event(event);
    }
  }
  disconnect_those_behind();
}

void Notifier::disconnect_those_behind() {
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
