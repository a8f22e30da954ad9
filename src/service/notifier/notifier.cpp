#include "service/notifier/notifier.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <exception>
#include <set>

#include "core/error.hpp"
#include "log/guarded_thread.hpp"
#include "net/backoff.hpp"
#include "service/openapi.hpp"
#include "service/views.hpp"

namespace tessera::service {
namespace {

using namespace std::chrono_literals;

constexpr int events_at_once = 500;
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
      recent_(ports_.events, ports_.events.newest_id(), options_.max_recent_events) {
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

http::Response Notifier::subscribe(const http::Request& request, bool websocket) {
  Subscriber subscriber{std::make_shared<http::Channel>(options_.max_behind_bytes),
                        {caller_of(request), request.query_value("job").value_or(""),
                         request.query_value("batch").value_or("")},
                        websocket,
                        request.query_value("after").value_or(request.header("Last-Event-ID"))};
  bool whole = false;
  if (subscriber.last_id.empty()) {
    whole = true;
    subscriber.last_id = ports_.events.newest_id();
  } else if (ports_.events.has_gap_after(subscriber.last_id)) {
    whole = true;
    subscriber.last_id = ports_.events.newest_id();
    const Event reset{subscriber.last_id, "reset", {}, {}, {}, {}, Json()};
    Wire wire(reset);
    subscriber.channel->offer(wire.message(websocket));
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
  catch_up(subscriber);

  http::PushContent content;
  content.channel = subscriber.channel;
  content.websocket = websocket;
  content.heartbeat = ": all is quiet\n\n";
  content.heartbeat_interval = heartbeat_interval;
  return http::Response{
      200, {{"Content-Type", "text/event-stream"}, {"Cache-Control", "no-store"}}, std::move(content)};
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
    subscriber.channel->offer(wire.message(subscriber.websocket));
  }
}

void Notifier::give(Subscriber& subscriber, Wire& wire) {
  subscriber.last_id = wire.event().id;
  if (subscriber.filter.wants(wire.event()) &&
      !subscriber.channel->offer(wire.message(subscriber.websocket))) {
    // Too far behind: what is queued still goes out, then it has to come again.
    subscriber.channel->finish();
  }
}

void Notifier::look_back(const std::string& id) {
  const std::scoped_lock one_at_a_time(looking_back_);
  std::string end;
  std::size_t room = 0;
  {
    const std::scoped_lock lock(mutex_);
    if (recent_.covers(id)) {
      return;
    }
    end = recent_.begin();
    room = recent_.room();
  }
  std::vector<Event> older;
  std::string from = id;
  for (bool more = true; more && older.size() <= room;) {
    more = false;
    for (Event& event : ports_.events.read_after(from, events_at_once, 0ms)) {
      more = !ports_.events.event_before(end, event.id);
      if (!more) {
        break;
      }
      from = event.id;
      older.push_back(std::move(event));
    }
  }
  const std::scoped_lock lock(mutex_);
  recent_.prepend(id, end, std::move(older));
}

/// Gives what has happened already, and then hands the subscriber to the distributor without a gap.
void Notifier::catch_up(Subscriber& subscriber) {
  look_back(subscriber.last_id);
  for (;;) {
    {
      const std::scoped_lock lock(mutex_);
      if (stopping_) {
        subscriber.channel->finish();
        return;
      }
      if (static_cast<int>(subscribers_.size()) >= options_.max_subscribers) {
        throw Error(ErrorCode::busy,
                    fmt::format("{} clients are connected already; come again later.", subscribers_.size()));
      }
      if (recent_.covers(subscriber.last_id)) {
        recent_.for_each_after(subscriber.last_id, [&](Wire& wire) { give(subscriber, wire); });
        subscribers_.push_back(subscriber);
        return;
      }
    }
    // Further back than what is kept here.
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
      const std::vector<Event> events = ports_.events.read_after(from, events_at_once, event_patience);
      const std::scoped_lock lock(mutex_);
      std::erase_if(subscribers_, [](const Subscriber& subscriber) { return subscriber.channel->closed(); });
      for (const Event& event : events) {
        Wire& wire = recent_.append(event);
        for (Subscriber& subscriber : subscribers_) {
          if (ports_.events.event_before(subscriber.last_id, event.id)) {
            give(subscriber, wire);
          }
        }
        if (options_.on_event && event.type != Event::unreadable) {
          options_.on_event(event);
        }
      }
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

}  // namespace tessera::service
