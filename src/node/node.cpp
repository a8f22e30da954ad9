#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "core/error.hpp"
#include "log/guarded_thread.hpp"
#include "net/backoff.hpp"
#include "node/node_state.hpp"

namespace tessera {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds take_patience = 1s;
constexpr std::chrono::milliseconds event_patience = 1s;
constexpr std::chrono::milliseconds starting_interval = 100ms;
constexpr std::chrono::milliseconds first_backoff = 200ms;
constexpr std::chrono::milliseconds max_backoff = 5s;

}  // namespace

Node::Node(NodeOptions options, NodePorts ports, std::shared_ptr<spdlog::logger> log)
    : options_(std::move(options)), ports_(ports), log_(std::move(log)) {
  options_.ranks.log = [this](const std::string& sentence) { log_->info("ranks: {}", sentence); };
  group_ = std::make_unique<RankGroup>(options_.ranks);
  const auto start = [this](const char* name, void (Node::*work)(const std::stop_token&)) {
    return std::jthread([this, name, work](const std::stop_token& stop) {
      run_guarded(name, log_.get(), stop, [&] { (this->*work)(stop); });
    });
  };
  announcer_ = start("announcing this node", &Node::announce);
  canceller_ = start("following cancellations", &Node::follow_cancellations);
  taker_ = start("taking jobs", &Node::take_jobs);
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
  log_->info("draining: {} jobs under way", jobs_under_way());
  taker_.request_stop();
  ports_.queue.stop_taking();
  taker_.join();
  decltype(active_) ended;
  {
    std::unique_lock lock(mutex_);
    const auto idle = [this] { return count_under_way() == 0; };
    if (!changed_.wait_for(lock, options_.drain_limit, idle)) {
      for (const auto& [id, active] : active_) {
        active->given_up = true;
        active->stop.request_stop();
      }
      changed_.wait(lock, idle);
    }
    // Others still look at the list. The threads are joined without the lock, which their last steps need.
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
    log_->warn("cannot withdraw from the registry, which will forget this node by itself: {}", error.what());
  }
}

int Node::jobs_under_way() const {
  const std::lock_guard lock(mutex_);
  return count_under_way();
}

int Node::count_under_way() const {
  return static_cast<int>(
      std::ranges::count_if(active_, [](const auto& entry) { return !entry.second->ended; }));
}

Node::Counts Node::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

void Node::take_jobs(const std::stop_token& stop) {
  Backoff backoff(first_backoff, max_backoff);
  while (!stop.stop_requested()) {
    std::vector<std::shared_ptr<Active>> ended;  // threads are joined outside the lock
    {
      std::unique_lock lock(mutex_);
      std::erase_if(active_, [&](const auto& entry) {
        if (entry.second->ended) {
          ended.push_back(entry.second);
        }
        return entry.second->ended;
      });
      if (!changed_.wait(lock, stop, [this] { return count_under_way() < options_.jobs_at_once(); })) {
        return;
      }
    }
    ended.clear();
    if (!group_->ready()) {
      pause(50ms, stop);  // jobs wait better in the queue, where other nodes see them
      continue;
    }
    try {
      if (const auto delivery = ports_.queue.take(take_patience)) {
        begin(*delivery);
      }
      backoff.reset();
    } catch (const std::exception& error) {
      log_->error("cannot take jobs: {}", error.what());
      pause(backoff.next(), stop);
    }
  }
}

void Node::begin(const Delivery& delivery) {
  auto active = std::make_shared<Active>();
  active->generation = delivery.message.generation;
  std::unique_lock lock(mutex_);
  const auto [place, inserted] = active_.emplace(delivery.message.job_id, active);
  if (!inserted && !place->second->ended && place->second->generation >= active->generation) {
    lock.unlock();
    // The same message twice, of a publisher that was not sure: the first one does the work.
    ports_.queue.acknowledge(delivery.tag);
    return;
  }
  // A job that was cancelled and tried again at once waits until the work on it has stopped.
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
  Verdict verdict;
  try {
    verdict = handle(delivery, active);
  } catch (const Error& error) {
    // The state store or the object store is away: the job itself is sound.
    note(spdlog::level::err, delivery.message.job_id, delivery.message.request_id, error.what());
    verdict = {Ending::give_back, error.what()};
    pause(std::min(max_backoff, first_backoff * delivery.attempt), active.stop.get_token());
  } catch (const std::exception& error) {
    note(spdlog::level::err, delivery.message.job_id, delivery.message.request_id,
         fmt::format("internal error: {}", error.what()));
    verdict = {Ending::give_back, error.what()};
  }
  {
    // Before the queue may give the message to this node again, which would else take it for one that came
    // twice. The thread is joined before what it works on goes away.
    const std::lock_guard lock(mutex_);
    counts_.given_back += verdict.ending == Ending::give_back ? 1 : 0;
    active.ended = true;
  }
  end(delivery, verdict, active.stop.get_token());
  if (verdict.ending != Ending::acknowledge) {
    note_end(verdict.ending == Ending::give_back ? "given-back" : "set-aside");
  }
  changed_.notify_all();
}

void Node::end(const Delivery& delivery, const Verdict& verdict, const std::stop_token& stop) {
  // A message that is not ended is this node's for as long as it lives.
  for (int attempt = 1; attempt == 1 || !stop.stop_requested(); ++attempt) {
    try {
      switch (verdict.ending) {
        case Ending::acknowledge:
          return ports_.queue.acknowledge(delivery.tag);
        case Ending::give_back:
          return ports_.queue.give_back(delivery.tag);
        case Ending::set_aside:
          return ports_.queue.set_aside(delivery.tag, verdict.reason);
      }
    } catch (const Error& error) {
      note(spdlog::level::err, delivery.message.job_id, delivery.message.request_id,
           fmt::format("The queue does not take back the message of this job: {}", error.what()));
    }
    pause(std::min(max_backoff, first_backoff * attempt), stop);
  }
}

Placement Node::choose(const Job& job, std::int64_t input_bytes) {
  if (job.attempt > 1) {
    return Placement::alone;  // it may have ended its ranks before: others must not suffer from it again
  }
  if (options_.spreading != Spreading::automatic) {
    return options_.spreading == Spreading::farm ? Placement::one_rank : Placement::all_ranks;
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
  // Asking the queue takes time that would be seen in a small job.
  const bool others = jobs_under_way() > 1 || ports_.queue.depth().waiting > 0;
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
      for (const Event& event : ports_.events.read_after(last, 1000, event_patience)) {
        last = event.id;
        const std::lock_guard lock(mutex_);
        const auto found = active_.find(event.job_id);
        if (event.type == to_string(JobState::cancelled) && found != active_.end()) {
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
  const std::lock_guard lock(mutex_);
  for (const auto& [id, active] : active_) {
    if (!active->ended) {
      jobs.push_back(id);
    }
  }
  if (draining_) {
    state = "draining";
  }
  return {options_.id,
          options_.host,
          options_.version,
          {{"state", state},
           {"ranks", std::move(ranks)},
           {"threads", options_.ranks.threads},
           {"jobs", std::move(jobs)},
           {"restarts", group_->restarts()},
           {"done", counts_.done},
           {"failed", counts_.failed}},
          {}};
}

void Node::announce(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    try {
      ports_.registry.announce(describe(), options_.announce_interval * 5);
    } catch (const std::exception& error) {
      log_->warn("cannot announce this node: {}", error.what());
    }
    // A node that is just starting tells soon when it is ready.
    pause(group_->ready() ? options_.announce_interval
                          : std::min(options_.announce_interval, starting_interval),
          stop);
  }
}

}  // namespace tessera
