// SPDX-License-Identifier: Apache-2.0
// Waiting for the end of jobs, for requests that are answered with a result.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "ports/job_store.hpp"

namespace spdlog {
class logger;
}

namespace tessera::service {

struct JobWaitLimits {
  /// Fewer than the threads of http::Lane::waiting, so that requests beyond the limit find one.
  int total = 24;
  int per_owner = 8;
  /// The state is also looked up at this interval, in case the event log cannot be followed.
  std::chrono::milliseconds lookup_interval{2000};
};

/// One thread follows the event log while anybody waits. Safe to use from many threads.
class JobWaits {
 public:
  JobWaits(JobWaitLimits limits, EventLog& events, JobStore& jobs, std::shared_ptr<spdlog::logger> log);
  ~JobWaits();  ///< stop()
  JobWaits(const JobWaits&) = delete;
  JobWaits& operator=(const JobWaits&) = delete;

  /// A place among those who wait, until it is destroyed.
  class Place {
   public:
    Place(JobWaits& waits, std::string job_id, std::string owner);
    ~Place();
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    /// The job when it has ended; nothing if the time runs out or stop() is called. `check` is called several
    /// times a second and may throw.
    [[nodiscard]] std::optional<Job> wait_until(std::chrono::steady_clock::time_point end,
                                                const std::function<void()>& check);

   private:
    friend class JobWaits;
    JobWaits& waits_;
    std::string job_id_;
    std::string owner_;
    bool ended_ = false;  ///< guarded by the mutex of `waits_`
    std::list<Place*>::iterator entry_;
  };
  /// To be called before the job is created, so that no event is missed. Null if too many wait.
  [[nodiscard]] std::unique_ptr<Place> enter(const std::string& job_id, const std::string& owner);

  /// Ends all waits, and those to come.
  void stop();

 private:
  void follow(const std::stop_token& stop);
  void note_end(const std::string& job_id);

  const JobWaitLimits limits_;
  EventLog& events_;
  JobStore& jobs_;
  const std::shared_ptr<spdlog::logger> log_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  // Guarded by mutex_:
  std::list<Place*> places_;
  std::map<std::string, int> places_of_;  ///< by owner
  std::string position_;                  ///< in the event log; empty while nobody waits
  bool stopped_ = false;

  std::jthread follower_;  ///< last, so that it ends first
};

}  // namespace tessera::service
