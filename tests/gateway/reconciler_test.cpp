// SPDX-License-Identifier: Apache-2.0
// The reconciler: lost messages, lost nodes, dead letters, and expiry.
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "adapters/sqlite/database.hpp"
#include "gateway/gateway_fixture.hpp"
#include "log/guarded_thread.hpp"
#include "support/forwarding_object_store.hpp"

namespace tessera::service {
namespace {

using namespace std::chrono_literals;

/// The store behind it, but for what the test has in mind.
class InterposedStore final : public testing::ForwardingObjectStore {
 public:
  using ForwardingObjectStore::ForwardingObjectStore;
  std::function<void(const std::string& name)> before_remove = [](const std::string&) {};

  void remove(const std::string& name) override {
    before_remove(name);
    ForwardingObjectStore::remove(name);
  }
};

class ReconcilerTest : public GatewayTest {
 protected:
  void SetUp() override {
    GatewayTest::SetUp();
    options.requeue_after = 60s;
  }
  void start_with(ObjectStore& store) {
    gateway = std::make_unique<Gateway>(
        options, GatewayPorts{*state.jobs, *state.events, registry, *queue, store, access, *state.uploads});
    http::Router router;
    gateway->mount(router);
    server = std::make_unique<http::Server>(http::ServerOptions{}, std::move(router));
  }
  /// Before a store of the test's own goes away: the gateway asks it in the background.
  void stop() {
    server.reset();
    gateway.reset();
  }
  void announce(const Json& jobs) {
    registry.announce({"node_1", "here", "1", {{"state", "ready"}, {"jobs", jobs}}, now}, 1000h);
  }
  void lose_the_queue() {
    SqliteDatabase database(folder.path() / "queue.db");
    database.execute("DELETE FROM queue_messages");
  }
  void rounds(int count = 2) {
    for (int i = 0; i < count; ++i) {
      gateway->reconcile();
    }
  }
  std::set<std::string> messages() const {
    std::set<std::string> ids;
    while (const auto delivery = queue->receive(0ms)) {
      ids.insert(delivery->message.job_id);
      queue->acknowledge(delivery->tag);
    }
    return ids;
  }
  void change(const std::string& id, JobState to, const std::string& node = {}) {
    JobChange change;
    change.state = to;
    if (!node.empty()) {
      change.node = node;
    }
    ASSERT_TRUE(state.jobs->change(id, 0, change));
  }
  void age(const std::string& object, std::chrono::hours by) {
    std::filesystem::last_write_time(*objects->local_file(object),
                                     std::filesystem::file_time_type::clock::now() - by);
  }
};

TEST_F(ReconcilerTest, RequeuesJobsWhoseMessageIsLost) {
  start();
  announce(Json::array());
  std::set<std::string> jobs;
  for (int i = 0; i < 5; ++i) {
    jobs.insert(job_of(submit()));
  }
  lose_the_queue();
  rounds();
  EXPECT_EQ(queue->depth().waiting, 0) << "they may just be on their way";
  now += 61s;
  rounds();
  EXPECT_EQ(messages(), jobs);
  EXPECT_EQ(state.jobs->find(*jobs.begin())->generation, 1);
}

TEST_F(ReconcilerTest, EndsItsRoundWhenTheGatewayStops) {
  start();
  announce(Json::array());
  static_cast<void>(job_of(submit()));
  lose_the_queue();
  now += 61s;
  std::stop_source stop;
  stop.request_stop();
  for (int round = 0; round < 3; ++round) {
    gateway->reconcile(stop.get_token());
  }
  EXPECT_EQ(queue->depth().waiting, 0);
  rounds();
  now += 61s;
  rounds();
  EXPECT_EQ(queue->depth().waiting, 1);
}

TEST_F(ReconcilerTest, RequeuesNoJobThatHasItsMessage) {
  start();
  announce(Json::array());
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(submit().status, 202);
  }
  now += 10h;
  announce(Json::array());
  rounds(5);
  EXPECT_EQ(queue->depth().waiting, 5);
}

TEST_F(ReconcilerTest, RequeuesOnlyAsManyJobsAsMessagesAreMissing) {
  start();
  announce(Json::array());
  std::set<std::string> jobs;
  for (int i = 0; i < 6; ++i) {
    jobs.insert(job_of(submit()));
  }
  {
    SqliteDatabase database(folder.path() / "queue.db");
    database.execute("DELETE FROM queue_messages WHERE sequence > 4");
  }
  now += 61s;
  rounds(5);
  EXPECT_EQ(queue->depth().waiting, 6);
  // Which ones are missing cannot be seen from outside. As the line gets shorter, they all come.
  std::set<std::string> worked_on;
  for (int i = 0; i < 3; ++i) {
    for (const std::string& id : messages()) {
      if (worked_on.insert(id).second) {
        finish(id);
      }
    }
    now += 61s;
    rounds();
  }
  EXPECT_EQ(worked_on, jobs);
}

TEST_F(ReconcilerTest, RequeuesJobsThatNoNodeHolds) {
  start();
  const std::string held = job_of(submit());
  const std::string let_go = job_of(submit());
  const std::string of_the_dead = job_of(submit());
  messages();
  change(held, JobState::running, "node_1");
  change(let_go, JobState::storing, "node_1");
  change(of_the_dead, JobState::running, "node_2");
  announce({held});
  rounds();
  EXPECT_EQ(messages().size(), 0U);
  now += 61s;
  announce({held});
  rounds();
  EXPECT_EQ(messages(), (std::set{let_go, of_the_dead}));
  EXPECT_EQ(state.jobs->find(held)->state, JobState::running);
  EXPECT_EQ(state.jobs->find(of_the_dead)->state, JobState::queued);
  // A node that does not say what it has may have what it had.
  change(of_the_dead, JobState::running, "node_1");
  registry.announce({"node_1", "here", "1", {{"jobs", 7}}, now}, 1000h);
  now += 61s;
  rounds();
  EXPECT_EQ(state.jobs->find(of_the_dead)->state, JobState::running);
}

TEST_F(ReconcilerTest, FailsEveryDeadLetteredJob) {
  start();
  const auto dead_letter = [&](const std::string& id) {
    SqliteDatabase database(folder.path() / "queue.db");
    SqliteStatement(
        database,
        "INSERT INTO queue_dead(priority, job_id, generation, request_id, attempts, reason, time_ms)"
        " VALUES(0, ?, 1, '', 20, 'Taken 20 times.', 1)",
        id)
        .run();
  };
  for (int i = 0; i < 1200; ++i) {
    dead_letter("job_old_" + std::to_string(i));
  }
  rounds();
  const std::string job = job_of(submit());
  messages();
  dead_letter(job);
  rounds(1);
  EXPECT_EQ(state.jobs->find(job)->state, JobState::failed);
  EXPECT_EQ(state.jobs->find(job)->failure->sentence,
            "It was moved to the dead-letter queue after 20 deliveries: Taken 20 times.");
}

TEST_F(ReconcilerTest, RemovesNoJobThatIsRetriedMeanwhile) {
  options.job_lifetime = 24h;
  InterposedStore store(*objects);
  start_with(store);
  const std::string done = job_of(submit());
  const std::string failed = job_of(submit());
  finish(done);
  now += 1ms;  // so that the other one comes after it in the round
  change(failed, JobState::failed);
  now += 25h;
  // While the result of the one is removed, the other is retried.
  store.before_remove = [&](const std::string&) { ASSERT_TRUE(state.jobs->retry(failed, 0)); };
  gateway->reconcile();
  EXPECT_FALSE(state.jobs->find(done));
  ASSERT_TRUE(state.jobs->find(failed));
  EXPECT_EQ(state.jobs->find(failed)->state, JobState::queued);
  stop();
}

TEST_F(ReconcilerTest, ContinuesWhenAnObjectCannotBeRemoved) {
  options.job_lifetime = 24h;
  InterposedStore store(*objects);
  start_with(store);
  std::vector<std::string> jobs;
  for (int i = 0; i < 4; ++i) {
    jobs.push_back(job_of(submit()));
    finish(jobs.back());
    now += 1ms;
  }
  now += 25h;
  store.before_remove = [&](const std::string& name) {
    if (name.ends_with(jobs[0])) {
      throw Error(ErrorCode::forbidden, "It is locked.");
    }
  };
  gateway->reconcile();
  for (const std::string& id : jobs) {
    EXPECT_FALSE(state.jobs->find(id));
    EXPECT_EQ(objects->stat("results/local/" + id).has_value(), id == jobs[0]);
  }
  stop();
}

TEST_F(ReconcilerTest, RejectsExpiredInputs) {
  options.upload_lifetime = 48h;
  options.upload_sweep_interval = 0ms;
  start();
  now += 48h + 1s;
  const testing::Answer refused = submit();
  EXPECT_EQ(refused.status, 404) << refused.body;
  EXPECT_NE(refused.body.find("has expired"), std::string::npos) << refused.body;
  gateway->reconcile();
  EXPECT_TRUE(objects->stat(photo_name)) << "a request that was let in before may still be under way";
  now += acceptance_margin;
  gateway->reconcile();
  EXPECT_FALSE(objects->stat(photo_name));
}

TEST_F(ReconcilerTest, KeepsInputsOfJobsThatMayBeRetried) {
  options.upload_lifetime = 1h;
  options.upload_sweep_interval = 0ms;
  start();
  const std::string job = job_of(submit());
  change(job, JobState::failed);
  now += 100h;
  gateway->reconcile();
  EXPECT_TRUE(objects->stat(photo_name));
  ASSERT_TRUE(state.jobs->retry(job, 0));
  finish(job);
  gateway->reconcile();
  EXPECT_FALSE(objects->stat(photo_name));
}

TEST_F(ReconcilerTest, RemovesOrphanedResults) {
  options.result_sweep_interval = 0ms;
  start();
  const std::string done = job_of(submit());
  const std::string running = job_of(submit());
  const std::string unreadable = job_of(submit());
  const std::string gone = new_id("job", now);
  finish(done);
  change(running, JobState::running);
  SqliteDatabase database(folder.path() / "state.db");
  SqliteStatement(database, "UPDATE state_jobs SET record='{}' WHERE id=?", unreadable).run();
  const std::vector<std::string> kept{"results/local/" + done, "results/local/" + running + ".g1.png",
                                      "results/local/" + unreadable + ".png", "results/local/notes.txt"};
  const std::vector<std::string> orphans{"results/local/" + gone + ".png",
                                         "results/local/" + done + ".g0.png"};
  const std::string fresh = "results/local/" + new_id("job", now) + ".png";
  for (const auto& list : {kept, orphans}) {
    for (const std::string& name : list) {
      put(name);
      age(name, 25h);
    }
  }
  put(fresh);
  gateway->reconcile();
  for (const std::string& name : kept) {
    EXPECT_TRUE(objects->stat(name)) << name;
  }
  for (const std::string& name : orphans) {
    EXPECT_FALSE(objects->stat(name)) << name;
  }
  EXPECT_TRUE(objects->stat(fresh)) << "its node may be about to say so";
}

TEST_F(ReconcilerTest, RemovesNothingAfterAClockJump) {
  options.job_lifetime = 24h;
  options.upload_sweep_interval = 0ms;
  start();
  Metrics metrics;
  gateway->watch(metrics);
  const std::string done = job_of(submit());
  finish(done);
  gateway->reconcile();
  now += 1000h;
  uptime_ahead -= 1000h;
  rounds();
  EXPECT_TRUE(state.jobs->find(done));
  EXPECT_TRUE(objects->stat(photo_name));
  EXPECT_NE(metrics.text().find("tessera_clock_jump_seconds 3600000\n"), std::string::npos) << metrics.text();
  // Back again, and a day later in truth.
  now -= 1000h;
  uptime_ahead += 1000h;
  rounds();
  EXPECT_NE(metrics.text().find("tessera_clock_jump_seconds 0\n"), std::string::npos);
  now += 25h;
  rounds();
  EXPECT_FALSE(state.jobs->find(done));
  gateway.reset();  // before the metrics
}

TEST_F(ReconcilerTest, ContinuesWithUnreadableRecords) {
  options.job_lifetime = 24h;
  start();
  const std::string poisoned = job_of(submit());
  const std::string done = job_of(submit());
  SqliteDatabase database(folder.path() / "state.db");
  SqliteStatement(database, "UPDATE state_jobs SET record='{\"state\": 5}', published=0 WHERE id=?", poisoned)
      .run();
  finish(done);
  now += 25h;
  rounds();
  EXPECT_FALSE(state.jobs->find(done)) << "it has expired";
  const Json told = Json::parse(get("/v1/dead").body);
  ASSERT_EQ(told.at("unreadable").size(), 1U) << told;
  EXPECT_EQ(told.at("unreadable")[0].at("id"), "job:" + poisoned);
  EXPECT_EQ(testing::ask(server->port(), "DELETE", "/v1/dead/job:" + poisoned).status, 204);
  EXPECT_EQ(testing::ask(server->port(), "DELETE", "/v1/dead/job:" + poisoned).status, 404);
  EXPECT_TRUE(Json::parse(get("/v1/dead").body).at("unreadable").empty());
}

TEST(ExpiryClock, FollowsCorrectionsAndNoJumps) {
  TimePoint wall = from_ms(1'000'000'000'000);
  std::chrono::milliseconds uptime{0};
  ExpiryClock clock([&] { return wall; }, [&] { return uptime; });
  const TimePoint start = wall;
  EXPECT_EQ(clock.now(), start);
  const auto passes = [&](std::chrono::milliseconds time, std::chrono::milliseconds jump) {
    wall += time + jump;
    uptime += time;
    return clock.now() - start;
  };
  EXPECT_EQ(passes(10h, 0ms), 10h);
  EXPECT_EQ(passes(0ms, 30s), 10h + 30s) << "a correction";
  EXPECT_EQ(passes(0ms, 100h), 10h + 30s);
  EXPECT_EQ(clock.ahead(), 100h);
  EXPECT_EQ(passes(1h, 0ms), 11h + 30s) << "time goes on";
  EXPECT_EQ(passes(0ms, -100h), 11h + 30s);
  EXPECT_EQ(clock.ahead(), 0ms);
  EXPECT_EQ(passes(0ms, -5h), 6h + 30s) << "never later than the wall clock";
  EXPECT_EQ(passes(0ms, 5h), 11h + 30s);
}

TEST(GuardedThread, RestartsAfterAnyException) {
  std::stop_source stop;
  int turns = 0;
  run_guarded("the test", nullptr, stop.get_token(), [&] {
    switch (++turns) {
      case 1:
        throw Error(ErrorCode::io, "An error.");
      case 2:
        throw std::out_of_range("a defect");
      case 3:
        throw 7;
      default:
        break;
    }
  });
  EXPECT_EQ(turns, 4);
  run_guarded("the test", nullptr, stop.get_token(), [&] {
    ++turns;
    stop.request_stop();
    throw 7;
  });
  EXPECT_EQ(turns, 5);
}

}  // namespace
}  // namespace tessera::service
