// SPDX-License-Identifier: Apache-2.0
// Sends changes of jobs to clients as Server-Sent Events or over WebSockets.
//
// GET /v1/events?job=ID&batch=ID, both optional. Each event is named after the state ("queued", "running",
// "progress", "storing", "done", "failed", "cancelled") and contains the changed job. A client that
// reconnects with Last-Event-ID (or ?after=ID) gets the events that it missed. A client that connects
// without, and names a job or a batch, first gets a "snapshot" of each job. "reset" means that missed events
// are no longer available; snapshots follow. Slow clients are disconnected, and may reconnect.
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
#include "service/notifier/event_buffer.hpp"

namespace spdlog {
class logger;
}

namespace tessera::service {

struct NotifierOptions {
  /// Maximum unsent data per client.
  std::size_t max_behind_bytes = std::size_t{4} << 20;
  /// Maximum unsent data of all clients, shared messages counted once; the slowest client is disconnected
  /// first.
  std::size_t max_total_behind_bytes = std::size_t{64} << 20;
  int max_subscribers = 5000;
  int max_subscribers_per_owner = 1000;
  std::size_t max_recent_events = 10'000;                ///< buffered in memory for clients that reconnect
  std::size_t max_recent_bytes = std::size_t{32} << 20;  ///< size limit of that buffer
  /// Streams whose token was revoked or has expired end within this time.
  std::chrono::milliseconds token_check_interval{20'000};
  /// Called once for each event, in order, after it was delivered to the subscribers.
  std::function<void(const Event& event)> on_event;
  std::shared_ptr<spdlog::logger> log;
};

/// Dependencies of the notifier; must outlive it.
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
    [[nodiscard]] bool matches(const Event& event) const;
  };
  struct Subscriber {
    std::shared_ptr<http::Channel> channel;
    Filter filter;
    bool websocket = false;
    std::string last_id;  ///< of the last event delivered
  };
  http::Response subscribe(const http::Request& request, bool websocket);
  /// Requires the mutex. Throws Error(busy) or ProblemError(over-quota).
  void check_capacity(const std::string& owner) const;
  void catch_up(Subscriber& subscriber, const http::Request& request);
  /// Extends the buffer back to `id` from the log, if that is not too far.
  void replay(const std::string& id);
  void snapshot(Subscriber& subscriber);
  void deliver(Subscriber& subscriber, SerializedEvent& serialized) const;
  void distribute();
  /// Reads the following events, waiting briefly for them, and delivers them to all matching subscribers.
  void distribute_after(const std::string& id);
  /// Requires the mutex.
  void disconnect_slow_subscribers();
  void watch_tokens();
  void end_streams_of_ended_tokens();

  NotifierOptions options_;
  NotifierPorts ports_;
  std::mutex mutex_;
  std::list<Subscriber> subscribers_;
  MessageMemory messages_;
  EventBuffer buffer_;       ///< up to the last event that was distributed
  std::mutex replay_mutex_;  ///< one reads the log, and waiting ones then find it buffered
  bool stopping_ = false;
  std::condition_variable stop_requested_;
  std::jthread distributor_;
  std::jthread token_watcher_;
};

}  // namespace tessera::service
