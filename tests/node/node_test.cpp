// A node with real ranks, over real stores: one job's way, and what can go wrong on it.
#include "node/node.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spdlog/logger.h>
#include <unistd.h>

#include <fstream>

#include "adapters/disk/object_store.hpp"
#include "adapters/sqlite/job_queue.hpp"
#include "adapters/sqlite/state_store.hpp"
#include "core/error.hpp"
#include "servers/rank_processes.hpp"
#include "servers/server_process.hpp"

namespace tessera {
namespace {

using namespace std::chrono_literals;

const Json invert{{"operators", {{{"name", "invert"}}}}};
const Json slow{{"operators", {{{"name", "non-local-means"}, {"parameters", {{"search-radius", 10}}}}}}};

/// A queue with a fault that a real one has seldom.
enum class QueueFault : std::uint8_t {
  none,
  late_answer,   ///< gives messages back at once, and takes its time to say so: who takes meanwhile gets them
                 ///< again
  refuses_once,  ///< the first acknowledgement
};
class FaultyQueue final : public JobQueue {
 public:
  FaultyQueue(std::unique_ptr<JobQueue> queue, QueueFault fault) : queue_(std::move(queue)), fault_(fault) {}
  void publish(const QueueMessage& message) override { queue_->publish(message); }
  std::optional<Delivery> take(std::chrono::milliseconds patience) override { return queue_->take(patience); }
  void stop_taking() override { queue_->stop_taking(); }
  void acknowledge(std::uint64_t tag) override {
    if (fault_ == QueueFault::refuses_once && !refused_.exchange(true)) {
      throw Error(ErrorCode::unavailable, "The queue's disk is full.");
    }
    queue_->acknowledge(tag);
  }
  void give_back(std::uint64_t tag) override {
    queue_->give_back(tag);
    if (fault_ == QueueFault::late_answer) {
      std::this_thread::sleep_for(300ms);
    }
  }
  void set_aside(std::uint64_t tag, const std::string& reason) override { queue_->set_aside(tag, reason); }
  QueueDepth depth() override { return queue_->depth(); }
  std::vector<DeadLetter> dead_letters(int limit) override { return queue_->dead_letters(limit); }
  bool retry_dead(const std::string& id) override { return queue_->retry_dead(id); }
  bool drop_dead(const std::string& id) override { return queue_->drop_dead(id); }
  void check() override { queue_->check(); }

 private:
  std::unique_ptr<JobQueue> queue_;
  QueueFault fault_;
  std::atomic<bool> refused_{false};
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
    std::filesystem::create_directories(options.ranks.scratch);
  }
  void start() {
    // A queue that a node was drained from gives no more.
    queue = open_queue();
    if (fault != QueueFault::none) {
      queue = std::make_unique<FaultyQueue>(std::move(queue), fault);
    }
    node =
        std::make_unique<Node>(options, NodePorts{*queue, *state.jobs, *state.events, *state.nodes, *objects},
                               std::make_shared<spdlog::logger>("node"));
  }
  /// An accepted job on noise of this size, published.
  std::string submit(const Json& pipeline, int width, int height) {
    Job job;
    job.id = new_id("job", system_now());
    job.batch_id = new_id("batch", system_now());
    job.owner = "ann";
    job.request.object = "uploads/ann/" + job.id;
    job.request.name = "noise.ppm";
    job.request.pipeline = pipeline;
    job.request.output = {{"format", "png"}};
    job.created = job.updated = system_now();
    std::string pnm = fmt::format("P6\n{} {}\n255\n", width, height);
    for (int i = 0; i < width * height * 3; ++i) {
      pnm += static_cast<char>((static_cast<unsigned>(i) * 7919U) >> 3);
    }
    objects->put(job.request.object, *memory_source(pnm), "image/x-portable-pixmap");
    state.jobs->create({{job}, {}, {}, {}});
    queue->publish({job.id, 1, Priority::interactive, ""});
    return job.id;
  }
  /// Reads the log until the job says so.
  Job wait(const std::string& id, const std::function<bool(const Job&)>& wanted) {
    const auto patience = std::chrono::steady_clock::now() + 60s;
    std::string last;
    while (std::chrono::steady_clock::now() < patience) {
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
    return wait(id, [](const Job& job) {
      return job.state == JobState::running && !job.layout.is_null() && job.fraction > 0;
    });
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

  [[nodiscard]] std::unique_ptr<JobQueue> open_queue() const {
    return open_sqlite_job_queue(folder.path() / "queue.db", {.prefetch = 6});
  }

  QueueFault fault = QueueFault::none;
  testing::ServerFolder folder;
  StateStore state = open_sqlite_state_store(folder.path() / "state.db", {});
  StateStore reader = open_sqlite_state_store(folder.path() / "state.db", {});
  std::unique_ptr<JobQueue> queue = open_queue();
  std::unique_ptr<ObjectStore> objects = open_disk_object_store(folder.path() / "objects", {});
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
  objects->get(job.result->object, stored);
  EXPECT_EQ(static_cast<std::int64_t>(stored.text.size()), job.result->size_bytes);
  EXPECT_TRUE(stored.text.starts_with("\x89PNG"));

  // The same message once more, as after a crash between state and acknowledgement: nothing happens.
  queue->publish({id, 1, Priority::interactive, ""});
  const std::string next = submit(invert, 5, 5);
  wait_for_end(next);
  node.reset();
  EXPECT_EQ(events_of(id), (std::vector<std::string>{"queued", "running", "storing", "done"}));
  EXPECT_EQ(queue->depth().waiting + queue->depth().taken, 0);
  EXPECT_TRUE(std::filesystem::is_empty(options.ranks.scratch));
}

TEST_F(NodeTest, SetsAsideWhatEndsItsRanksEveryTimeAndDoesTheOthers) {
  options.max_attempts = 2;
  options.spreading = Spreading::farm;
  start();
  const std::string deadly = submit(slow, 1500, 1500);
  const std::string neighbour = submit(slow, 300, 300);
  for (int attempt = 1; attempt <= 2; ++attempt) {
    wait(deadly, [&](const Job& job) {
      return job.attempt == attempt && job.state == JobState::running && job.fraction > 0;
    });
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

TEST_F(NodeTest, CutsBigImagesOverAllRanksAndFarmsSmallOnesOut) {
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

  options.spreading = Spreading::split;
  start();
  EXPECT_EQ(wait_for_end(submit(invert, 31, 17)).layout.at("mode"), "split");
  node.reset();
  options.spreading = Spreading::farm;
  start();
  EXPECT_EQ(wait_for_end(submit(invert, 400, 300)).layout.at("mode"), "farm");
}

TEST_F(NodeTest, StopsACancelledJobAndGoesOn) {
  start();
  const std::string id = submit(slow, 3000, 3000);
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

TEST_F(NodeTest, GivesBackWhatItCannotFinishWhenItIsDrained) {
  options.drain_limit = 0ms;
  start();
  const std::string id = submit(slow, 3000, 3000);
  wait_until_it_works(id);
  node->drain();
  node.reset();
  const Job job = *state.jobs->find(id);
  EXPECT_EQ(job.state, JobState::queued);
  EXPECT_EQ(job.attempt, 0) << "being shut down is not the job's fault";
  EXPECT_EQ(queue->depth().waiting, 1);
  EXPECT_TRUE(state.nodes->list().empty()) << "it has taken its leave";
}

TEST_F(NodeTest, FailsAJobWhoseImageIsGoneInASentence) {
  const std::string id = submit(invert, 31, 17);
  objects->remove("uploads/ann/" + id);
  start();
  const Job job = wait_for_end(id);
  EXPECT_EQ(job.state, JobState::failed);
  EXPECT_EQ(job.failure->code, "not-found");
  EXPECT_NE(job.failure->sentence.find("noise.ppm"), std::string::npos) << job.failure->sentence;
}

TEST_F(NodeTest, WaitsForAStoreThatIsNotThere) {
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
  std::filesystem::rename(elsewhere, place);
  EXPECT_EQ(wait_for_end(id).state, JobState::done);
}

TEST_F(NodeTest, TakesUpAgainWhatItHasJustGivenBack) {
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

TEST_F(NodeTest, EndsAMessageThatTheQueueDidNotTakeBackAtFirst) {
  fault = QueueFault::refuses_once;
  start();
  const std::string id = submit(invert, 31, 17);
  EXPECT_EQ(wait_for_end(id).state, JobState::done);
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (queue->depth().taken > 0 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(10ms);
  }
  EXPECT_EQ(queue->depth().taken, 0);
}

TEST_F(NodeTest, TellsItsMetrics) {
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
  // From a local folder nothing is fetched.
  EXPECT_EQ(phases, (std::map<std::string, int>{
                        {"wait", 2}, {"turn", 2}, {"work", 2}, {"process", 1}, {"store", 1}}));
  EXPECT_EQ(ends, (std::map<std::string, int>{{"done", 1}, {"failed", 1}}));
}

}  // namespace
}  // namespace tessera
