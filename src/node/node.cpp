// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "log/guarded_thread.hpp"
#include "net/backoff.hpp"
#include "node/node_state.hpp"

namespace tessera {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds receive_timeout = 1s;
constexpr std::chrono::milliseconds event_timeout = 1s;
constexpr std::chrono::milliseconds starting_interval = 100ms;
constexpr std::chrono::milliseconds first_backoff = 200ms;
constexpr std::chrono::milliseconds max_backoff = 5s;
constexpr std::chrono::milliseconds max_hold_time = 2s;

}  // namespace

Node::Node(NodeOptions options, NodePorts ports, std::shared_ptr<spdlog::logger> log)
    : options_(std::move(options)),
      ports_(ports),
      log_(std::move(log)),
      health_(options_.health, options_.ranks.scratch, [this] {
        ports_.jobs.check();
        ports_.objects.check();
      }) {
  options_.ranks.log = [this](const std::string& sentence) { log_->info("ranks: {}", sentence); };
  group_ = std::make_unique<RankGroup>(options_.ranks);
  const auto start = [this](const char* name, void (Node::*loop)(const std::stop_token&)) {
    return std::jthread([this, name, loop](const std::stop_token& stop) {
      run_guarded(name, log_.get(), stop, [&] { (this->*loop)(stop); });
    });
  };
  announcer_ = start("announcing this node", &Node::announce);
  canceller_ = start("following cancellations", &Node::follow_cancellations);
  receiver_ = start("receiving jobs", &Node::receive_jobs);
}

Node::~Node() {
  options_.drain_limit = 0ms;
  drain();
}

void Node::drain() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(draining_, true)) {
      return;
    }
  }
  log_->info("draining: {} active jobs", active_jobs());
  receiver_.request_stop();
  ports_.queue.stop_receiving();
  receiver_.join();
  decltype(active_) ended;
  {
    std::unique_lock lock(mutex_);
    const auto idle = [this] { return count_active_jobs() == 0; };
    if (!changed_.wait_for(lock, options_.drain_limit, idle)) {
      for (const auto& [id, active] : active_) {
        active->given_up = true;
        active->stop.request_stop();
      }
      if (!changed_.wait_for(lock, options_.stop_limit, idle)) {
        lock.unlock();
        leaving_.request_stop();
        group_->end();
        lock.lock();
      }
    }
    // Other threads still read the list. The threads are joined without the lock, which their last steps
    // need.
    ended.swap(active_);
  }
  ended.clear();
  canceller_.request_stop();
  ports_.events.stop_reading();
  canceller_.join();
  announcer_.request_stop();
  announcer_.join();
  group_.reset();
  try {
    ports_.registry.withdraw(options_.id);
  } catch (const Error& error) {
    log_->warn("cannot withdraw from the registry, where this node's entry will expire: {}", error.what());
  }
}

int Node::active_jobs() const {
  const std::lock_guard lock(mutex_);
  return count_active_jobs();
}

int Node::count_active_jobs() const {
  return static_cast<int>(
      std::ranges::count_if(active_, [](const auto& entry) { return !entry.second->finished; }));
}

Node::Counts Node::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

void Node::receive_jobs(const std::stop_token& stop) {
  Backoff backoff(first_backoff, max_backoff);
  while (!stop.stop_requested()) {
    std::vector<std::shared_ptr<Active>> finished;  // threads are joined outside the lock
    {
      std::unique_lock lock(mutex_);
      std::erase_if(active_, [&](const auto& entry) {
        if (entry.second->finished) {
          finished.push_back(entry.second);
        }
        return entry.second->finished;
      });
      if (!changed_.wait(lock, stop, [this] { return count_active_jobs() < options_.jobs_at_once(); })) {
        return;
      }
    }
    finished.clear();
    if (!group_->ready() || !health_.may_receive()) {
      pause(50ms, stop);  // jobs stay in the queue, where other nodes can receive them
      continue;
    }
    try {
      if (const auto delivery = ports_.queue.receive(receive_timeout)) {
        begin(*delivery);
      }
      backoff.reset();
    } catch (const std::exception& error) {
      log_->error("cannot receive jobs: {}", error.what());
      pause(backoff.next(), stop);
    }
  }
}

void Node::begin(const Delivery& delivery) {
  auto active = std::make_shared<Active>();
  active->delivery = delivery;
  std::unique_lock lock(mutex_);
  const auto [place, inserted] = active_.emplace(delivery.message.job_id, active);
  Active& present = *place->second;
  if (!inserted && !present.ended && present.delivery.message.generation >= delivery.message.generation) {
    // A duplicate message: the publisher repeated it, or the queue lost its connection. The work continues,
    // and all of its deliveries are settled with it.
    if (present.delivery.message.generation == delivery.message.generation) {
      present.older_tags.push_back(std::exchange(present.delivery, delivery).tag);
    } else {
      present.older_tags.push_back(delivery.tag);
    }
    return;
  }
  // A job that was cancelled and retried at once waits until the earlier work has stopped.
  std::shared_ptr<Active> before = inserted ? nullptr : std::exchange(place->second, active);
  if (before) {
    before->stop.request_stop();
  }
  active->thread =
      std::jthread([this, delivery, active = active.get(), before = std::move(before)]() mutable {
        if (before) {
          before->thread.join();
          before.reset();
        }
        work_on(delivery, *active);
      });
  lock.unlock();
}

void Node::work_on(const Delivery& delivery, Active& active) {
  const Verdict verdict = judge(delivery, active);
  // A queue without support for delays would redeliver the message immediately.
  pause(std::min(verdict.delay, max_hold_time), active.stop.get_token());
  const bool back =
      verdict.disposition == Disposition::postpone || verdict.disposition == Disposition::requeue;
  Delivery newest;
  std::vector<std::uint64_t> older_tags;
  {
    // Must precede the settlement, after which the queue may deliver the message to this node again; it would
    // be mistaken for a duplicate. The thread is joined before the objects it uses are destroyed.
    const std::lock_guard lock(mutex_);
    counts_.requeued += back ? 1 : 0;
    active.ended = true;
    newest = active.delivery;
    older_tags = active.older_tags;
  }
  end(newest, verdict, older_tags);
  if (verdict.disposition != Disposition::acknowledge) {
    note_end(back ? "given-back" : "set-aside");
  }
  const std::lock_guard lock(mutex_);
  active.finished = true;
  changed_.notify_all();
}

Node::Verdict Node::judge(const Delivery& delivery, Active& active) {
  std::string reason;
  FailureOrigin origin = FailureOrigin::machine;
  try {
    return handle(delivery, active);
  } catch (const Error& error) {
    reason = error.what();
    origin = meaning(error.code()).origin == FailureOrigin::machine ? FailureOrigin::machine
                                                                    : FailureOrigin::server;
  } catch (const std::bad_alloc&) {
    reason = "Memory ran out on the node.";
  } catch (const std::system_error& error) {
    reason = fmt::format("The node failed: {}.", error.what());
  } catch (const std::exception& error) {
    note(spdlog::level::err, delivery.message.job_id, delivery.message.request_id,
         fmt::format("internal error: {}", error.what()));
    return {Disposition::requeue, error.what(), {}};  // counts as an attempt, so it cannot repeat forever
  }
  // The state could not be updated; the job itself is sound.
  health_.failed(origin, reason);
  note(spdlog::level::err, delivery.message.job_id, delivery.message.request_id, reason);
  return {Disposition::postpone, reason, {}};
}

void Node::settle(const Delivery& delivery, const Verdict& verdict) {
  switch (verdict.disposition) {
    case Disposition::acknowledge:
      return ports_.queue.acknowledge(delivery.tag);
    case Disposition::postpone:
      return ports_.queue.postpone(delivery.tag, verdict.delay);
    case Disposition::requeue:
      return ports_.queue.requeue(delivery.tag);
    case Disposition::dead_letter:
      return ports_.queue.dead_letter(delivery.tag, verdict.reason);
  }
}

void Node::end(const Delivery& delivery, const Verdict& verdict,
               const std::vector<std::uint64_t>& older_tags) {
  // An unsettled message stays assigned to this node as long as it lives.
  for (int attempt = 1;; ++attempt) {
    try {
      settle(delivery, verdict);
      for (const std::uint64_t tag : older_tags) {
        ports_.queue.acknowledge(tag);
      }
      return;
    } catch (const std::exception& error) {
      note(spdlog::level::err, delivery.message.job_id, delivery.message.request_id,
           fmt::format("The message of this job cannot be settled: {}", error.what()));
    }
    if (leaving_.stop_requested()) {
      return;
    }
    pause(std::min(max_backoff, first_backoff * attempt), leaving_.get_token());
  }
}

Placement Node::choose(bool suspect, std::int64_t input_bytes) {
  if (suspect) {
    return Placement::alone;  // it may have killed its ranks before and must not affect other jobs
  }
  if (options_.scheduling != SchedulingPolicy::automatic) {
    return options_.scheduling == SchedulingPolicy::one_rank_per_job ? Placement::one_rank
                                                                     : Placement::all_ranks;
  }
  if (group_->size() == 1) {
    return Placement::one_rank;
  }
  if (input_bytes >= options_.split_bytes) {
    return Placement::all_ranks;
  }
  if (input_bytes < options_.split_idle_bytes) {
    return Placement::one_rank;
  }
  // Querying the queue would be noticeable for a small job.
  const bool others = active_jobs() > 1 || ports_.queue.depth().waiting > 0;
  return others ? Placement::one_rank : Placement::all_ranks;
}

void Node::follow_cancellations(const std::stop_token& stop) {
  std::string last;
  Backoff backoff(first_backoff, max_backoff);
  while (!stop.stop_requested()) {
    try {
      if (last.empty()) {
        last = ports_.events.newest_id();
      }
      for (const Event& event : ports_.events.read_after(last, 1000, event_timeout)) {
        last = event.id;
        const std::lock_guard lock(mutex_);
        const auto found = active_.find(event.job_id);
        // Events of an earlier generation may arrive while the next one is being processed.
        if (event.type == to_string(JobState::cancelled) && found != active_.end() &&
            event.data.value("generation", 0) == found->second->delivery.message.generation) {
          found->second->stop.request_stop();
        }
      }
      backoff.reset();
    } catch (const std::exception& error) {
      log_->error("cannot follow events: {}", error.what());
      pause(backoff.next(), stop);
    }
  }
}

NodeInfo Node::describe() {
  Json ranks = Json::array();
  for (const RankState& rank : group_->state()) {
    ranks.push_back({{"rank", rank.rank},
                     {"location", rank.location},
                     {"memory_bytes", rank.memory_bytes},
                     {"busy", rank.busy}});
  }
  Json jobs = Json::array();
  std::string state = group_->ready() ? "ready" : "starting";
  const std::string problem = health_.problem();
  if (!problem.empty()) {
    state = "unhealthy";
  }
  const std::lock_guard lock(mutex_);
  for (const auto& [id, active] : active_) {
    if (!active->ended) {
      jobs.push_back(id);
    }
  }
  if (draining_) {
    state = "draining";
  }
  Json details{
      {"state", state},          {"ranks", std::move(ranks)},      {"threads", options_.ranks.threads},
      {"jobs", std::move(jobs)}, {"restarts", group_->restarts()}, {"done", counts_.done},
      {"failed", counts_.failed}};
  if (!problem.empty()) {
    details["reason"] = problem;
  }
  return {options_.id, options_.host, options_.version, std::move(details), {}};
}

void Node::announce(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    try {
      ports_.registry.announce(describe(), options_.announce_interval * 5);
    } catch (const std::exception& error) {
      log_->warn("cannot announce this node: {}", error.what());
    }
    // A starting node announces soon that it is ready.
    pause(group_->ready() ? options_.announce_interval
                          : std::min(options_.announce_interval, starting_interval),
          stop);
  }
}

}  // namespace tessera
