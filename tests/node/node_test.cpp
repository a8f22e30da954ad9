// SPDX-License-Identifier: Apache-2.0
// A node with real ranks, over real stores: one job's way, and what can go wrong on it.
#include "node/node.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spdlog/logger.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <future>

#include "adapters/disk/object_store.hpp"
#include "adapters/sqlite/database.hpp"
#include "adapters/sqlite/job_queue.hpp"
#include "adapters/sqlite/state_store.hpp"
#include "base/error.hpp"
#include "servers/rank_processes.hpp"
#include "servers/server_process.hpp"
#include "support/forwarding_object_store.hpp"

namespace tessera {
namespace {

using namespace std::chrono_literals;

const Json invert{{"operators", {{{"name", "invert"}}}}};
const Json slow{{"operators", {{{"name", "non-local-means"}, {"parameters", {{"search-radius", 10}}}}}}};
/// As testing::endless_pipeline_on_any_image.
const Json endless{
    {"operators",
     {{{"name", "resize"}, {"parameters", {{"width", 20000}, {"height", 20000}, {"fit", "fill"}}}},
      {{"name", "non-local-means"}, {"parameters", {{"search-radius", 20}, {"template-radius", 7}}}}}}};

/// A queue with a fault that is rare in a real one.
enum class QueueFault : std::uint8_t {
  none,
  late_answer,   ///< postpones messages immediately, and takes its time to say so: who takes meanwhile gets
                 ///< them again
  refuses_once,  ///< the first acknowledgement
  refuses,       ///< every end of a delivery
};
class FaultyQueue final : public JobQueue {
 public:
  FaultyQueue(std::unique_ptr<JobQueue> queue, QueueFault fault) : queue_(std::move(queue)), fault_(fault) {}
  void publish(const QueueMessage& message) override { queue_->publish(message); }
  std::optional<Delivery> receive(std::chrono::milliseconds timeout) override {
    return queue_->receive(timeout);
  }
  void stop_receiving() override { queue_->stop_receiving(); }
  void acknowledge(std::uint64_t tag) override {
    if (fault_ == QueueFault::refuses || (fault_ == QueueFault::refuses_once && !refused_.exchange(true))) {
      throw Error(ErrorCode::unavailable, "The queue's disk is full.");
    }
    queue_->acknowledge(tag);
  }
  void postpone(std::uint64_t tag, std::chrono::milliseconds delay) override {
    ++postponed;
    if (fault_ == QueueFault::refuses) {
      throw Error(ErrorCode::unavailable, "The queue's disk is full.");
    }
    queue_->postpone(tag, delay);
    if (fault_ == QueueFault::late_answer) {
      std::this_thread::sleep_for(300ms);
    }
  }
  void requeue(std::uint64_t tag) override { queue_->requeue(tag); }
  void dead_letter(std::uint64_t tag, const std::string& reason) override {
    queue_->dead_letter(tag, reason);
  }
  QueueDepth depth() override { return queue_->depth(); }
  std::vector<DeadLetter> dead_letters(int limit) override { return queue_->dead_letters(limit); }
  bool redrive(const std::string& id) override { return queue_->redrive(id); }
  bool purge(const std::string& id) override { return queue_->purge(id); }
  void check() override { queue_->check(); }
  std::atomic<int> postponed{0};

 private:
  std::unique_ptr<JobQueue> queue_;
  QueueFault fault_;
  std::atomic<bool> refused_{false};
};

/// A store that answers when it is asked whether it is well, and fails all the same.
class FaultyStore final : public testing::ForwardingObjectStore {
 public:
  using ForwardingObjectStore::ForwardingObjectStore;
  /// What names hold `part` fails `times` times.
  void fail(ErrorCode code, std::string part, int times) {
    code_ = code;
    part_ = std::move(part);
    left_ = times;
  }
  [[nodiscard]] int left() const { return left_; }
  ObjectInfo put(const std::string& name, ByteSource& body, const std::string& type) override {
    may_fail(name);
    return ForwardingObjectStore::put(name, body, type);
  }
  ObjectInfo get(const std::string& name, ByteSink& out, const std::optional<ByteRange>& range) override {
    may_fail(name);
    return ForwardingObjectStore::get(name, out, range);
  }

 private:
  void may_fail(const std::string& name) {
    if (left_ > 0 && name.find(part_) != std::string::npos) {
      --left_;
      throw Error(code_, "The store does not want to.");
    }
  }
  ErrorCode code_ = ErrorCode::unavailable;
  std::string part_;
  std::atomic<int> left_{0};
};

/// A log whose readers hear of cancellations late.
class LateEvents final : public EventLog {
 public:
  explicit LateEvents(EventLog& log) : log_(log) {}
  std::vector<Event> read_after(const std::string& id, int limit,
                                std::chrono::milliseconds timeout) override {
    std::vector<Event> events = log_.read_after(id, limit, timeout);
    for (Event& event : events) {
      if (event.type == "cancelled" && !open) {
        held_.push_back(event);
        event.type = "held";
      }
    }
    if (open) {
      for (Event& event : held_) {
        event.id = events.empty() ? id : events.front().id;
      }
      events.insert(events.begin(), held_.begin(), held_.end());
      held_.clear();
    }
    return events;
  }
  std::string newest_id() override { return log_.newest_id(); }
  bool has_gap_after(const std::string& id) override { return log_.has_gap_after(id); }
  bool event_before(const std::string& a, const std::string& b) const override {
    return log_.event_before(a, b);
  }
  void stop_reading() override { log_.stop_reading(); }
  std::atomic<bool> open{false};

 private:
  EventLog& log_;
  std::vector<Event> held_;
};

class NodeTest : public ::testing::Test {
 protected:
  NodeTest() {
    options.id = "node_test";
    options.host = "here";
    options.ranks.program = TESSERA_PROGRAM;
    options.ranks.ranks = 2;
    options.ranks.threads = 1;
    options.ranks.scratch = folder.path() / "scratch";
    options.ranks.first_pause = 10ms;
    options.announce_interval = 50ms;
    options.health.first_pause = 1ms;
    options.health.max_pause = 20ms;
    std::filesystem::create_directories(options.ranks.scratch);
  }
  void start() {
    // A queue that a node was drained from gives no more.
    queue = std::make_unique<FaultyQueue>(open_queue(), fault);
    node = std::make_unique<Node>(options, NodePorts{*queue, *state.jobs, events, *state.nodes, *objects},
                                  std::make_shared<spdlog::logger>("node"));
  }
  [[nodiscard]] FaultyQueue& faulty() { return dynamic_cast<FaultyQueue&>(*queue); }
  static void wait_until(const std::function<bool()>& holds) {
    const auto deadline = std::chrono::steady_clock::now() + 60s;
    while (!holds()) {
      if (std::chrono::steady_clock::now() > deadline) {
        throw std::runtime_error("waited too long");
      }
      std::this_thread::sleep_for(5ms);
    }
  }
  /// An accepted job on noise of this size, published.
  std::string submit(const Json& pipeline, int width, int height, const std::string& tag = {}) {
    Job job;
    job.id = new_id("job", system_now());
    job.batch_id = new_id("batch", system_now());
    job.owner = "ann";
    job.request.object = "uploads/ann/" + job.id;
    job.request.name = "noise.ppm";
    job.request.object_tag = tag;
    job.request.pipeline = pipeline;
    job.request.output = {{"format", "png"}};
    job.created = job.updated = system_now();
    std::string pnm = fmt::format("P6\n{} {}\n255\n", width, height);
    for (int i = 0; i < width * height * 3; ++i) {
      pnm += static_cast<char>((static_cast<unsigned>(i) * 7919U) >> 3);
    }
    objects->put(job.request.object, *memory_source(pnm), "image/x-portable-pixmap");
    state.jobs->create({{job}, {}, {}, {}});
    before_publishing(job.id);
    queue->publish({job.id, 1, Priority::interactive, ""});
    return job.id;
  }
  /// Reads the log until the job says so.
  Job wait(const std::string& id, const std::function<bool(const Job&)>& wanted) {
    const auto timeout = std::chrono::steady_clock::now() + 60s;
    std::string last;
    while (std::chrono::steady_clock::now() < timeout) {
      Job job = *state.jobs->find(id);
      if (wanted(job)) {
        return job;
      }
      for (const Event& event : reader.events->read_after(last, 100, 100ms)) {
        last = event.id;
      }
    }
    throw std::runtime_error("waited too long for " + id + ": " + to_json(*state.jobs->find(id)).dump());
  }
  Job wait_for_end(const std::string& id) {
    return wait(id, [](const Job& job) { return is_final(job.state); });
  }
  Job wait_until_it_works(const std::string& id) {
    return wait(id, [](const Job& job) { return job.state == JobState::running && !job.layout.is_null(); });
  }
  [[nodiscard]] std::vector<std::string> events_of(const std::string& id) {
    std::vector<std::string> types;
    for (const Event& event : reader.events->read_after("", 10'000, 0ms)) {
      if (event.job_id == id && event.type != "progress") {
        types.push_back(event.type);
      }
    }
    return types;
  }

  /// The state in which the node says that it is.
  std::string wait_for_node_state(const std::string& wanted) {
    const auto deadline = std::chrono::steady_clock::now() + 60s;
    while (std::chrono::steady_clock::now() < deadline) {
      const auto nodes = state.nodes->list();
      if (nodes.size() == 1 && nodes[0].details.value("state", "") == wanted) {
        return nodes[0].details.value("reason", "");
      }
      std::this_thread::sleep_for(5ms);
    }
    throw std::runtime_error("the node is never " + wanted);
  }
  /// As a node leaves it that dies over the job: the message comes back, counted, when the queue is closed.
  void die_over(const std::string& id, JobState when, bool on_ranks) {
    const auto dying = open_queue();
    ASSERT_EQ(dying->receive(10s).value().message.job_id, id);
    JobChange change;
    change.state = when;
    change.layout = on_ranks ? Json{{"mode", "farm"}} : Json();
    change.attempt = on_ranks ? 1 : 0;
    ASSERT_TRUE(state.jobs->change(id, 1, change));
  }

  [[nodiscard]] std::unique_ptr<JobQueue> open_queue() const {
    return open_sqlite_job_queue(folder.path() / "queue.db", {.prefetch = 6});
  }

  QueueFault fault = QueueFault::none;
  std::function<void(const std::string& id)> before_publishing = [](const std::string&) {};
  testing::ServerFolder folder;
  StateStore state = open_sqlite_state_store(folder.path() / "state.db", {});
  StateStore reader = open_sqlite_state_store(folder.path() / "state.db", {});
  std::unique_ptr<JobQueue> queue = open_queue();
  std::unique_ptr<FaultyStore> objects =
      std::make_unique<FaultyStore>(open_disk_object_store(folder.path() / "objects", {}));
  LateEvents events{*state.events};
  NodeOptions options;
  std::unique_ptr<Node> node;
};

TEST_F(NodeTest, StoresTheResultSetsTheStateOnceAndAcknowledges) {
  start();
  const std::string id = submit(invert, 31, 17);
  const Job job = wait_for_end(id);
  ASSERT_EQ(job.state, JobState::done) << to_json(job);
  EXPECT_EQ(job.result->file_name, "noise-invert.png");
  EXPECT_EQ(job.result->width_px, 31);
  StringSink stored;
  objects->get(job.result->object, stored, {});
  EXPECT_EQ(static_cast<std::int64_t>(stored.text.size()), job.result->size_bytes);
  EXPECT_TRUE(stored.text.starts_with("\x89PNG"));

  // The same message once more, as after a crash between state and acknowledgement: nothing happens.
  queue->publish({id, 1, Priority::interactive, ""});
  const std::string next = submit(invert, 5, 5);
  wait_for_end(next);
  node.reset();
  EXPECT_EQ(events_of(id), (std::vector<std::string>{"queued", "running", "storing", "done"}));
  EXPECT_EQ(queue->depth().waiting + queue->depth().unacknowledged, 0);
  for (const auto& left : std::filesystem::recursive_directory_iterator(options.ranks.scratch)) {
    EXPECT_TRUE(left.is_directory()) << left.path() << " was left behind";
  }
}

TEST_F(NodeTest, DeadLettersWhatKillsItsRanksEveryTimeAndDoesTheOthers) {
  options.max_attempts = 2;
  options.scheduling = SchedulingPolicy::one_rank_per_job;
  start();
  const std::string deadly = submit(endless, 30, 20);
  const std::string neighbour = submit(slow, 300, 300);
  for (int attempt = 1; attempt <= 2; ++attempt) {
    wait(deadly, [&](const Job& job) { return job.attempt == attempt && job.state == JobState::running; });
    for (const pid_t rank : testing::ranks_of(::getpid())) {
      ::kill(rank, SIGKILL);
    }
  }
  const Job dead = wait_for_end(deadly);
  ASSERT_EQ(dead.state, JobState::failed);
  EXPECT_EQ(dead.failure->code, "rank-lost");
  EXPECT_NE(dead.failure->sentence.find("tried 2 times"), std::string::npos) << dead.failure->sentence;
  EXPECT_EQ(wait_for_end(neighbour).state, JobState::done);
  const auto letters = [&] { return queue->dead_letters(10); };
  node.reset();
  ASSERT_EQ(letters().size(), 1U);
  EXPECT_EQ(letters()[0].message.job_id, deadly);
  EXPECT_EQ(letters()[0].reason, dead.failure->sentence);
}

TEST_F(NodeTest, RunsLargeImagesOnAllRanksAndSmallOnesOnOne) {
  options.split_bytes = 100'000;
  options.split_idle_bytes = 100'000;
  start();
  const Job small = wait_for_end(submit(invert, 31, 17));
  EXPECT_EQ(small.layout.at("mode"), "farm") << small.layout;
  EXPECT_EQ(small.layout.at("ranks").size(), 1U);
  const Job big = wait_for_end(submit(invert, 400, 300));
  EXPECT_EQ(big.layout.at("mode"), "split") << big.layout;
  EXPECT_EQ(big.layout.at("ranks").size(), 2U);
  node.reset();

  options.scheduling = SchedulingPolicy::all_ranks;
  start();
  EXPECT_EQ(wait_for_end(submit(invert, 31, 17)).layout.at("mode"), "split");
  node.reset();
  options.scheduling = SchedulingPolicy::one_rank_per_job;
  start();
  EXPECT_EQ(wait_for_end(submit(invert, 400, 300)).layout.at("mode"), "farm");
}

TEST_F(NodeTest, StopsACancelledJobAndContinues) {
  start();
  const std::string id = submit(endless, 30, 20);
  wait_until_it_works(id);
  JobChange cancel;
  cancel.state = JobState::cancelled;
  state.jobs->change(id, 0, cancel);
  // Its ranks are free long before it could have ended.
  EXPECT_EQ(wait_for_end(submit(invert, 31, 17)).state, JobState::done);
  node.reset();
  EXPECT_EQ(events_of(id), (std::vector<std::string>{"queued", "running", "cancelled"}));
  EXPECT_TRUE(objects->list("results/", "", 10).objects.size() == 1U);
  EXPECT_EQ(queue->depth().waiting, 0);
}

TEST_F(NodeTest, RequeuesUnfinishedJobsWhenDrained) {
  options.drain_limit = 0ms;
  start();
  const std::string id = submit(endless, 30, 20);
  wait_until_it_works(id);
  node->drain();
  node.reset();
  const Job job = *state.jobs->find(id);
  EXPECT_EQ(job.state, JobState::queued);
  EXPECT_EQ(job.attempt, 0) << "being shut down is not the job's fault";
  EXPECT_EQ(queue->depth().waiting, 1);
  EXPECT_TRUE(state.nodes->list().empty()) << "it has taken its leave";
}

TEST_F(NodeTest, FailsAJobWhoseImageIsMissing) {
  const std::string id = submit(invert, 31, 17);
  objects->remove("uploads/ann/" + id);
  start();
  const Job job = wait_for_end(id);
  EXPECT_EQ(job.state, JobState::failed);
  EXPECT_EQ(job.failure->code, "not-found");
  EXPECT_NE(job.failure->sentence.find("noise.ppm"), std::string::npos) << job.failure->sentence;
}

TEST_F(NodeTest, FailsAJobWhoseImageWasReplaced) {
  start();
  const Job job = wait_for_end(submit(invert, 31, 17, "the tag of another"));
  EXPECT_EQ(job.state, JobState::failed);
  EXPECT_EQ(job.failure->code, "conflict");
  EXPECT_NE(job.failure->sentence.find("'noise.ppm' was changed"), std::string::npos)
      << job.failure->sentence;
  EXPECT_EQ(wait_for_end(submit(invert, 31, 17)).state, JobState::done);
  wait_for_node_state("ready");
  EXPECT_EQ(faulty().postponed, 0) << "a replaced image says nothing about the store";
}

TEST_F(NodeTest, WaitsForAMissingStore) {
  const std::string id = submit(invert, 31, 17);
  const auto place = folder.path() / "objects";
  const auto elsewhere = folder.path() / "unmounted";
  std::filesystem::rename(place, elsewhere);
  start();
  const Job waiting = wait(id, [](const Job& job) {
    return is_final(job.state) || job.stage.find("cannot be used") != std::string::npos;
  });
  EXPECT_EQ(waiting.state, JobState::queued) << to_json(waiting);
  EXPECT_EQ(waiting.attempt, 0) << "that is not the job's fault";
  EXPECT_NE(wait_for_node_state("unhealthy").find("cannot be used"), std::string::npos);
  std::filesystem::rename(elsewhere, place);
  EXPECT_EQ(wait_for_end(id).state, JobState::done);
}

TEST_F(NodeTest, ReceivesAgainWhatItHasJustRequeued) {
  fault = QueueFault::late_answer;
  const std::string id = submit(invert, 31, 17);
  const auto place = folder.path() / "objects";
  const auto elsewhere = folder.path() / "unmounted";
  std::filesystem::rename(place, elsewhere);
  start();
  wait(id, [](const Job& job) { return job.stage.find("cannot be used") != std::string::npos; });
  std::filesystem::rename(elsewhere, place);
  EXPECT_EQ(wait_for_end(id).state, JobState::done);
}

TEST_F(NodeTest, RetriesToSettleAMessage) {
  fault = QueueFault::refuses_once;
  start();
  const std::string id = submit(invert, 31, 17);
  EXPECT_EQ(wait_for_end(id).state, JobState::done);
  wait_until([&] { return queue->depth().unacknowledged == 0; });
}

TEST_F(NodeTest, SurvivesAStoreFailureBeyondTheDeliveryLimit) {
  constexpr int more_than_any_limit = 60;
  start();
  for (const char* part : {"uploads/", "results/"}) {
    for (const ErrorCode code : {ErrorCode::unavailable, ErrorCode::forbidden, ErrorCode::io}) {
      before_publishing = [&](const std::string&) { objects->fail(code, part, more_than_any_limit); };
      const Job job = wait_for_end(submit(invert, 31, 17));
      EXPECT_EQ(objects->left(), 0);
      EXPECT_EQ(job.state, JobState::done) << part << to_json(job);
      EXPECT_EQ(job.attempt, 1);
    }
  }
  node.reset();
  EXPECT_EQ(queue->depth().dead, 0);
}

TEST_F(NodeTest, SurvivesAReadOnlyStateStore) {
  start();
  SqliteDatabase database(folder.path() / "state.db");
  database.execute(
      "CREATE TRIGGER broken BEFORE UPDATE ON state_jobs BEGIN SELECT RAISE(ABORT, 'no space'); END");
  const std::string id = submit(invert, 31, 17);
  const std::string next = submit(invert, 40, 17);
  const int before = faulty().postponed;
  wait_until([&] { return faulty().postponed > before + 40; });
  EXPECT_FALSE(is_final(state.jobs->find(id)->state));
  database.execute("DROP TRIGGER broken");
  for (const std::string& each : {id, next}) {
    EXPECT_EQ(wait_for_end(each).state, JobState::done);
  }
}

TEST_F(NodeTest, ReceivesNothingWhileItsScratchFolderIsMissing) {
  start();
  wait_for_end(submit(invert, 31, 17));
  const auto elsewhere = folder.path() / "unmounted";
  std::filesystem::rename(options.ranks.scratch, elsewhere);
  std::vector<std::string> ids;
  for (int i = 0; i < 20; ++i) {
    ids.push_back(submit(invert, 31, 17));
  }
  const std::string reason = wait_for_node_state("unhealthy");
  EXPECT_NE(reason.find("scratch"), std::string::npos) << reason;
  for (const std::string& id : ids) {
    EXPECT_NE(state.jobs->find(id)->state, JobState::failed);
  }
  EXPECT_GT(queue->depth().waiting, 0);
  std::filesystem::rename(elsewhere, options.ranks.scratch);
  for (const std::string& id : ids) {
    EXPECT_EQ(wait_for_end(id).state, JobState::done);
  }
  wait_for_node_state("ready");
}

TEST_F(NodeTest, ReceivesNothingWhileDescriptorsAreScarce) {
  start();
  wait_for_end(submit(invert, 31, 17));
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const auto open = std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
  const rlimit scarce{static_cast<rlim_t>(open + options.health.min_free_descriptors / 2), limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &scarce), 0);
  const std::string reason = wait_for_node_state("unhealthy");
  const std::string id = submit(invert, 31, 17);
  EXPECT_EQ(state.jobs->find(id)->state, JobState::queued);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_NE(reason.find("files"), std::string::npos) << reason;
  EXPECT_EQ(wait_for_end(id).state, JobState::done);
}

TEST_F(NodeTest, FailsAJobThatAloneFailsOnTheMachine) {
  start();
  before_publishing = [&](const std::string& id) {
    objects->fail(ErrorCode::io, "results/ann/" + id, 1'000'000);
  };
  const std::string bad = submit(invert, 31, 17);
  before_publishing = [](const std::string&) {};
  Job job;
  for (int others = 0; others < 50 && !is_final(job.state); ++others) {
    EXPECT_EQ(wait_for_end(submit(invert, 31, 17)).state, JobState::done);
    job = *state.jobs->find(bad);
  }
  EXPECT_EQ(job.state, JobState::failed);
  EXPECT_EQ(job.failure.value_or(JobFailure{}).code, "io");
}

TEST_F(NodeTest, IsNotStoppedByTheCancellationOfAnEarlierGeneration) {
  start();
  const std::string id = submit(slow, 500, 500);
  wait_until_it_works(id);
  JobChange cancel;
  cancel.state = JobState::cancelled;
  state.jobs->change(id, 0, cancel);
  ASSERT_TRUE(state.jobs->retry(id, 0));
  queue->publish({id, 2, Priority::interactive, ""});
  wait(id, [](const Job& job) { return job.generation == 2 && job.fraction > 0; });
  events.open = true;
  // Something to be read, with which the late one comes.
  JobChange note;
  note.stage = "still at it";
  state.jobs->change(id, 2, note);
  const Job job = wait_for_end(id);
  EXPECT_EQ(job.state, JobState::done);
  EXPECT_EQ(job.generation, 2);
  Job earlier = job;
  earlier.generation = 1;
  EXPECT_NE(job.result->object, result_object_name(earlier));
}

TEST_F(NodeTest, DoesNotCountDeathsOfTheNodeAgainstAJob) {
  for (const bool on_ranks : {true, false}) {
    const std::string id = submit(invert, 31, 17);
    for (int deaths = 1; deaths <= 3; ++deaths) {
      die_over(id, JobState::running, on_ranks);
    }
    start();
    const Job job = wait_for_end(id);
    EXPECT_EQ(job.state, JobState::done) << to_json(job);
    node.reset();
    queue = open_queue();
  }
}

TEST_F(NodeTest, DeadLettersWhatKillsItsNodeRepeatedly) {
  options.max_deliveries = 4;
  const std::string id = submit(invert, 31, 17);
  for (int deaths = 1; deaths <= 4; ++deaths) {
    die_over(id, JobState::running, true);
  }
  start();
  const Job job = wait_for_end(id);
  ASSERT_EQ(job.state, JobState::failed);
  EXPECT_EQ(job.failure->code, "rank-lost");
  EXPECT_NE(job.failure->sentence.find("4 times"), std::string::npos) << job.failure->sentence;
  wait_until([&] { return queue->depth().dead == 1; });
}

TEST_F(NodeTest, AdoptsTheResultThatADeadNodeStored) {
  const std::string id = submit(invert, 31, 17);
  die_over(id, JobState::running, true);
  Job job = *state.jobs->find(id);
  const std::string text = "bytes of a result";
  JobChange storing;
  storing.state = JobState::storing;
  storing.result = JobResult{
      result_object_name(job), "noise-invert.png", "image/png", std::ssize(text), 31, 17, Json::array(), {}};
  state.jobs->change(id, 1, storing);
  objects->put(storing.result->object, *memory_source(text), "image/png");
  start();
  job = wait_for_end(id);
  ASSERT_EQ(job.state, JobState::done) << to_json(job);
  EXPECT_EQ(*job.result, *storing.result);
  StringSink stored;
  objects->get(job.result->object, stored, {});
  EXPECT_EQ(stored.text, text) << "it was not made again";
}

TEST_F(NodeTest, EndsIfTheQueueAcceptsNoSettlement) {
  fault = QueueFault::refuses;
  options.drain_limit = 0ms;
  options.stop_limit = 100ms;
  start();
  wait_for_end(submit(invert, 31, 17));
  wait_until_it_works(submit(endless, 30, 20));
  auto drained = std::async(std::launch::async, [&] { node->drain(); });
  EXPECT_EQ(drained.wait_for(60s), std::future_status::ready);
  node.reset();
}

TEST_F(NodeTest, SettlesAllDeliveriesOfADuplicateMessage) {
  start();
  const std::string id = submit(slow, 300, 300);
  queue->publish({id, 1, Priority::interactive, ""});
  EXPECT_EQ(wait_for_end(id).state, JobState::done);
  wait_until([&] { return queue->depth().unacknowledged + queue->depth().waiting == 0; });
}

TEST_F(NodeTest, ReportsItsMetrics) {
  std::mutex mutex;
  std::map<std::string, int> phases;
  std::map<std::string, int> ends;
  options.on_phase = [&](std::string_view phase, std::chrono::duration<double> time) {
    const std::scoped_lock lock(mutex);
    EXPECT_GE(time.count(), 0);
    ++phases[std::string(phase)];
  };
  options.on_end = [&](std::string_view end) {
    const std::scoped_lock lock(mutex);
    ++ends[std::string(end)];
  };
  start();
  wait_for_end(submit(invert, 31, 17));
  const std::string gone =
      submit(Json{{"operators", {{{"name", "crop"}, {"parameters", {{"x", 90}}}}}}}, 31, 17);
  wait_for_end(gone);
  node.reset();
  EXPECT_EQ(phases, (std::map<std::string, int>{
                        {"wait", 2}, {"fetch", 2}, {"turn", 2}, {"work", 2}, {"process", 1}, {"store", 1}}));
  EXPECT_EQ(ends, (std::map<std::string, int>{{"done", 1}, {"failed", 1}}));
}

}  // namespace
}  // namespace tessera
