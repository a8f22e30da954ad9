// Pushes what happens to jobs to the clients that wait for it, as Server-Sent Events or over WebSockets.
//
// GET /v1/events?job=ID&batch=ID, both optional. Each event is named after the state ("queued", "running",
// "progress", "storing", "done", "failed", "cancelled") and carries the job after the change. A client that
// comes back with Last-Event-ID (or ?after=ID) gets what it has missed. One that comes without, and asks for
// a job or a batch, first gets a "snapshot" of each job. "reset" says that events were missed which are not
// kept any more; snapshots follow. Slow clients are disconnected, and come back.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "http/router.hpp"
#include "ports/job_store.hpp"
#include "service/access.hpp"
#include "service/notifier/recent_events.hpp"

namespace spdlog {
class logger;
}

namespace tessera::service {

struct NotifierOptions {
  /// What a client may be behind.
  std::size_t max_behind_bytes = std::size_t{4} << 20;
  /// What all clients may be behind together, messages to many counted once; who is furthest behind is
  /// disconnected first.
  std::size_t max_total_behind_bytes = std::size_t{64} << 20;
  int max_subscribers = 5000;
  int max_subscribers_per_owner = 1000;
  std::size_t max_recent_events = 10'000;                ///< kept in memory for clients that come back
  std::size_t max_recent_bytes = std::size_t{32} << 20;  ///< of them
  /// Streams whose token was withdrawn or has expired end within this time.
  std::chrono::milliseconds token_check_interval{20'000};
  /// Called once for each event, in order, after the subscribers were given it.
  std::function<void(const Event& event)> on_event;
  std::shared_ptr<spdlog::logger> log;
};

/// What the notifier works with; must outlive it.
struct NotifierPorts {
  JobStore& jobs;
  EventLog& events;
  Access& access;
};

class Notifier {
 public:
  Notifier(NotifierOptions options, NotifierPorts ports);
  ~Notifier();  ///< stop()
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;
  void mount(http::Router& router);
  /// Ends all streams in order.
  void stop();
  [[nodiscard]] std::size_t subscribers();

 private:
  struct Filter {
    Caller caller;
    std::string job_id;
    std::string batch_id;
    [[nodiscard]] bool wants(const Event& event) const;
  };
  struct Subscriber {
    std::shared_ptr<http::Channel> channel;
    Filter filter;
    bool websocket = false;
    std::string last_id;  ///< of what it was given
  };
  http::Response subscribe(const http::Request& request, bool websocket);
  /// With the mutex held. Throws Error(busy) or ProblemError(over-quota).
  void check_place(const std::string& owner) const;
  void catch_up(Subscriber& subscriber, const http::Request& request);
  /// Has the recent events reach back to `id`, if that is not too far.
  void look_back(const std::string& id);
  void snapshot(Subscriber& subscriber);
  void give(Subscriber& subscriber, Wire& wire) const;
  void distribute();
  /// Reads what follows, waiting for it a little, and gives it to all who want it.
  void distribute_after(const std::string& id);
  /// With the mutex held.
  void disconnect_those_behind();
  void watch_tokens();
  void end_streams_of_ended_tokens();

  NotifierOptions options_;
  NotifierPorts ports_;
  std::mutex mutex_;
  std::list<Subscriber> subscribers_;
  MessageMemory messages_;
  RecentEvents recent_;      ///< up to the last event that all subscribers were given
  std::mutex looking_back_;  ///< one reads the log, and others that waited find it read
  bool stopping_ = false;
  std::condition_variable stop_requested_;
  std::jthread distributor_;
  std::jthread token_watcher_;
};

}  // namespace tessera::service
