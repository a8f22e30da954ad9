// What only a server that is elsewhere can do to a state store.
#include <gtest/gtest.h>

#include <future>

#include "adapters/open.hpp"
#include "adapters/state/state_server.hpp"
#include "core/error.hpp"
#include "servers/redis_server.hpp"
#include "support/errors.hpp"

namespace tessera {
namespace {

using testing::refusal;

using namespace std::chrono_literals;

TEST(RedisState, GoesOnWhenTheServerComesBack) {
  testing::RedisServer server;
  StateStore store = open_state_store(server.url(), {});
  const NewJobs jobs = testing::one_job("ann");
  store.jobs->create(jobs);
  const std::string id = jobs.jobs.front().id;
  server.kill();
  auto waiting = std::async(std::launch::async, [&] {
    JobChange change;
    change.state = JobState::running;
    return store.jobs->change(id, 1, change);
  });
  server.start();
  EXPECT_EQ(waiting.get()->state, JobState::running);
  EXPECT_EQ(store.events->read_after("", 10, 0ms).size(), 2U);
  EXPECT_EQ(store.jobs->list({"ann", {}, JobState::running}, "", 10).jobs.size(), 1U);
}

TEST(RedisState, SaysThatTheServerIsAway) {
  testing::RedisServer server;
  StateStore store = open_state_store(server.url(), {});
  store.jobs->check();
  server.kill();
  EXPECT_NE(refusal([&] { store.jobs->check(); }, ErrorCode::unavailable).find("does not answer"),
            std::string::npos);
}

TEST(RedisState, WantsTheRightPassword) {
  const testing::RedisServer server("right word");
  EXPECT_NO_THROW(
      open_state_store("redis://:right%20word@127.0.0.1:" + std::to_string(server.port()), {}).jobs->check());
  for (const std::string who : {"", ":wrong@", "nobody:wrong@"}) {
    const std::string url = "redis://" + who + "127.0.0.1:" + std::to_string(server.port());
    EXPECT_NE(refusal([&] { open_state_store(url, {}).jobs->check(); }, ErrorCode::forbidden), "") << who;
  }
}

TEST(RedisState, RefusesUrlsThatAreNone) {
  for (const char* url :
       {"redis:", "redis://", "redis://h:0", "redis://h:99999", "redis://h/a", "redis://h/-1", "http://h"}) {
    EXPECT_NE(refusal([&] { static_cast<void>(open_state_store(url, {})); }, ErrorCode::usage), "") << url;
  }
}

}  // namespace
}  // namespace tessera
