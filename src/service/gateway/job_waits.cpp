// SPDX-License-Identifier: Apache-2.0
#include "service/gateway/job_waits.hpp"

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "log/guarded_thread.hpp"

namespace tessera::service {
namespace {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

constexpr int event_batch_size = 100;
constexpr std::chrono::milliseconds event_timeout = 500ms;
constexpr std::chrono::milliseconds check_interval = 200ms;

bool is_end(const std::string& event_type) {
  const auto ends = {JobState::done, JobState::failed, JobState::cancelled};
  return std::ranges::any_of(ends, [&](JobState state) { return to_string(state) == event_type; });
}

}  // namespace

JobWaits::JobWaits(JobWaitLimits limits, EventLog& events, JobStore& jobs,
                   std::shared_ptr<spdlog::logger> log)
    : limits_(limits), events_(events), jobs_(jobs), log_(std::move(log)) {
  follower_ = std::jthread([this](const std::stop_token& stop) {
    run_guarded("waiting for jobs", log_.get(), stop, [&] { follow(stop); });
  });
}

JobWaits::~JobWaits() { stop(); }

void JobWaits::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
  follower_.request_stop();
  if (follower_.joinable()) {
    follower_.join();
  }
}

std::unique_ptr<JobWaits::Place> JobWaits::enter(const std::string& job_id, const std::string& owner) {
  // Before the lock is taken: the log may be slow to answer.
  const std::string newest = events_.newest_id();
  const std::scoped_lock lock(mutex_);
  const auto known = places_of_.find(owner);
  const int of_owner = known == places_of_.end() ? 0 : known->second;
  if (std::ssize(places_) >= limits_.total || of_owner >= limits_.per_owner) {
    return nullptr;
  }
  auto place = std::make_unique<Place>(*this, job_id, owner);
  place->entry_ = places_.insert(places_.end(), place.get());
  ++places_of_[owner];
  if (position_.empty()) {
    position_ = newest;
  }
  changed_.notify_all();
  return place;
}

JobWaits::Place::Place(JobWaits& waits, std::string job_id, std::string owner)
    : waits_(waits), job_id_(std::move(job_id)), owner_(std::move(owner)) {}

JobWaits::Place::~Place() {
  const std::scoped_lock lock(waits_.mutex_);
  waits_.places_.erase(entry_);
  if (const auto of_owner = waits_.places_of_.find(owner_); --of_owner->second == 0) {
    waits_.places_of_.erase(of_owner);
  }
  if (waits_.places_.empty()) {
    waits_.position_.clear();
  }
}

std::optional<Job> JobWaits::Place::wait_until(SteadyClock::time_point end,
                                               const std::function<void()>& check) {
  SteadyClock::time_point next_lookup = SteadyClock::now() + waits_.limits_.lookup_interval;
  for (;;) {
    check();
    bool look_up = false;
    {
      std::unique_lock lock(waits_.mutex_);
      const auto until = std::min(end, SteadyClock::now() + check_interval);
      waits_.changed_.wait_until(lock, until, [this] { return ended_ || waits_.stopped_; });
      if (waits_.stopped_) {
        return std::nullopt;
      }
      look_up = ended_;
      ended_ = false;
    }
    const SteadyClock::time_point now = SteadyClock::now();
    const bool over = now >= end;
    if (look_up || over || now >= next_lookup) {
      next_lookup = now + waits_.limits_.lookup_interval;
      if (std::optional<Job> job = waits_.jobs_.find(job_id_); job && is_final(job->state)) {
        return job;
      }
    }
    if (over) {
      return std::nullopt;
    }
  }
}

void JobWaits::note_end(const std::string& job_id) {
  for (Place* const place : places_) {
    place->ended_ = place->ended_ || place->job_id_ == job_id;
  }
}

void JobWaits::follow(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::string from;
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [this] { return !position_.empty(); })) {
        return;
      }
      from = position_;
    }
    const std::vector<Event> events = events_.read_after(from, event_batch_size, event_timeout);
    if (events.empty()) {
      // A log that has been told to stop reading answers without waiting.
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, stop, 10ms, [] { return false; });
      continue;
    }
    const std::scoped_lock lock(mutex_);
    for (const Event& event : events) {
      if (is_end(event.type)) {
        note_end(event.job_id);
      }
    }
    // Nobody may have waited meanwhile, and others may have begun after that.
    if (!position_.empty() && !events_.event_before(events.back().id, position_)) {
      position_ = events.back().id;
    }
    changed_.notify_all();
  }
}

}  // namespace tessera::service
