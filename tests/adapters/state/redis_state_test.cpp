// What only a server that is elsewhere can do to a state store.
#include <gtest/gtest.h>

#include <csignal>
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

TEST(RedisStateTls, KeepsTheContract) {
  ::signal(SIGPIPE, SIG_IGN);  // as the service's programs do; OpenSSL writes to sockets that may be gone
  testing::RedisServer server("word", true);
  StateStore store = open_state_store(server.tls_url(), {});
  const NewJobs jobs = testing::one_job("ann");
  store.jobs->create(jobs);
  const std::string id = jobs.jobs.front().id;
  EXPECT_EQ(store.jobs->list({"ann", {}, JobState::queued}, "", 10).jobs.size(), 1U);
  const auto first = store.events->read_after("", 10, 0ms);
  ASSERT_EQ(first.size(), 1U);
  // The same without TLS: it is one server.
  EXPECT_EQ(open_state_store(server.url(), {}).jobs->list({"ann", {}, {}}, "", 10).jobs.front().id, id);
  // Waiting for what comes is no silence.
  auto waiting = std::async(std::launch::async,
                            [&] { return store.events->read_after(first.back().id, 10, 10s).size(); });
  JobChange change;
  change.state = JobState::running;
  EXPECT_TRUE(store.jobs->change(id, 1, change));
  EXPECT_EQ(waiting.get(), 1U);

  server.kill();
  auto back = std::async(std::launch::async, [&] {
    change.state = JobState::storing;
    return store.jobs->change(id, 1, change);
  });
  server.start();
  EXPECT_EQ(back.get()->state, JobState::storing);
}

TEST(RedisStateTls, TrustsOnlyWhatItIsTold) {
  const testing::RedisServer server("", true);
  const std::string port = std::to_string(server.tls_port());
  const auto said = [](const std::string& url, ErrorCode code) {
    return refusal([&] { open_state_store(url, {}).jobs->check(); }, code);
  };
  EXPECT_EQ(said(server.tls_url(), ErrorCode::usage), "");
  EXPECT_NE(said("rediss://127.0.0.1:" + port, ErrorCode::unavailable).find("certificate is refused"),
            std::string::npos);
  // Right certificate, wrong name.
  EXPECT_NE(
      said("rediss://localhost:" + port + "?cacertfile=" + server.certificate_file(), ErrorCode::unavailable)
          .find("certificate is refused"),
      std::string::npos);
  EXPECT_NE(said("rediss://127.0.0.1:" + port + "?cacertfile=/no/such", ErrorCode::usage).find("/no/such"),
            std::string::npos);
  // A server that speaks no TLS.
  EXPECT_NE(said("rediss://127.0.0.1:" + std::to_string(server.port()), ErrorCode::unavailable), "");
}

TEST(RedisState, RefusesUrlsThatAreNone) {
  for (const char* url :
       {"redis:", "redis://", "redis://h:0", "redis://h:99999", "redis://h/a", "redis://h/-1", "http://h",
        "redis://h?cacertfile=/f", "rediss://h?x=1", "rediss://h?cacertfile="}) {
    EXPECT_NE(refusal([&] { static_cast<void>(open_state_store(url, {})); }, ErrorCode::usage), "") << url;
  }
}

}  // namespace
}  // namespace tessera
