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

constexpr std::chrono::milliseconds take_patience = 1s;
constexpr std::chrono::milliseconds event_patience = 1s;
constexpr std::chrono::milliseconds starting_interval = 100ms;
constexpr std::chrono::milliseconds first_backoff = 200ms;
constexpr std::chrono::milliseconds max_backoff = 5s;
constexpr std::chrono::milliseconds longest_hold = 2s;

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
      if (!changed_.wait_for(lock, options_.stop_limit, idle)) {
        lock.unlock();
        leaving_.request_stop();
        group_->end();
        lock.lock();
      }
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
      std::ranges::count_if(active_, [](const auto& entry) { return !entry.second->finished; }));
}

Node::Counts Node::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

void Node::take_jobs(const std::stop_token& stop) {
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
      if (!changed_.wait(lock, stop, [this] { return count_under_way() < options_.jobs_at_once(); })) {
        return;
      }
    }
    finished.clear();
    if (!group_->ready() || !health_.may_take()) {
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
  active->delivery = delivery;
  std::unique_lock lock(mutex_);
  const auto [place, inserted] = active_.emplace(delivery.message.job_id, active);
  Active& present = *place->second;
  if (!inserted && !present.ended && present.delivery.message.generation >= delivery.message.generation) {
    // The same message twice: of a publisher that was not sure, or because the queue lost its connection. The
    // work goes on, and all of its deliveries end with it.
    if (present.delivery.message.generation == delivery.message.generation) {
      present.older_tags.push_back(std::exchange(present.delivery, delivery).tag);
    } else {
      present.older_tags.push_back(delivery.tag);
    }
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
  const Verdict verdict = judge(delivery, active);
  // A queue that cannot hold a message back would give it again in the next moment.
  pause(std::min(verdict.delay, longest_hold), active.stop.get_token());
  const bool back = verdict.ending == Ending::postpone || verdict.ending == Ending::give_back;
  Delivery newest;
  std::vector<std::uint64_t> older_tags;
  {
    // Before the queue may give the message to this node again, which would else take it for one that came
    // twice. The thread is joined before what it works on goes away.
    const std::lock_guard lock(mutex_);
    counts_.given_back += back ? 1 : 0;
    active.ended = true;
    newest = active.delivery;
    older_tags = active.older_tags;
  }
  end(newest, verdict, older_tags);
  if (verdict.ending != Ending::acknowledge) {
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
    return {Ending::give_back, error.what(), {}};  // counts, so that it ends some time
  }
  // Not even the state could be told; the job itself is sound.
  health_.failed(origin, reason);
  note(spdlog::level::err, delivery.message.job_id, delivery.message.request_id, reason);
  return {Ending::postpone, reason, {}};
}

void Node::tell_queue(const Delivery& delivery, const Verdict& verdict) {
  switch (verdict.ending) {
    case Ending::acknowledge:
      return ports_.queue.acknowledge(delivery.tag);
    case Ending::postpone:
      return ports_.queue.postpone(delivery.tag, verdict.delay);
    case Ending::give_back:
      return ports_.queue.give_back(delivery.tag);
    case Ending::set_aside:
      return ports_.queue.set_aside(delivery.tag, verdict.reason);
  }
}

void Node::end(const Delivery& delivery, const Verdict& verdict,
               const std::vector<std::uint64_t>& older_tags) {
  // A message that is not ended is this node's for as long as it lives.
  for (int attempt = 1;; ++attempt) {
    try {
      tell_queue(delivery, verdict);
      for (const std::uint64_t tag : older_tags) {
        ports_.queue.acknowledge(tag);
      }
      return;
    } catch (const std::exception& error) {
      note(spdlog::level::err, delivery.message.job_id, delivery.message.request_id,
           fmt::format("The queue does not take back the message of this job: {}", error.what()));
    }
    if (leaving_.stop_requested()) {
      return;
    }
    pause(std::min(max_backoff, first_backoff * attempt), leaving_.get_token());
  }
}

Placement Node::choose(bool suspect, std::int64_t input_bytes) {
  if (suspect) {
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
        // What is told of an earlier generation may come when the next one is worked on already.
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
    // A node that is just starting tells soon when it is ready.
    pause(group_->ready() ? options_.announce_interval
                          : std::min(options_.announce_interval, starting_interval),
          stop);
  }
}

}  // namespace tessera
