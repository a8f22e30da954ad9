// SPDX-License-Identifier: Apache-2.0
// What only a server that is elsewhere can do to a state store.
#include <gtest/gtest.h>

#include <barrier>
#include <csignal>
#include <future>
#include <set>

#include "adapters/open.hpp"
#include "adapters/redis/connection_pool.hpp"
#include "adapters/state/state_server.hpp"
#include "base/error.hpp"
#include "servers/redis_server.hpp"
#include "support/errors.hpp"

namespace tessera {
namespace {

using testing::refusal;

using namespace std::chrono_literals;

TEST(RedisState, RecoversWhenTheServerComesBack) {
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

TEST(RedisState, ReportsAnUnavailableServer) {
  testing::RedisServer server;
  StateStore store = open_state_store(server.url(), {});
  store.jobs->check();
  server.kill();
  EXPECT_NE(refusal([&] { store.jobs->check(); }, ErrorCode::unavailable).find("does not respond"),
            std::string::npos);
}

TEST(RedisState, RequiresTheRightPassword) {
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

TEST(RedisStateTls, TrustsOnlyTheGivenAuthorities) {
  const testing::RedisServer server("", true);
  const std::string port = std::to_string(server.tls_port());
  const auto said = [](const std::string& url, ErrorCode code) {
    return refusal([&] { open_state_store(url, {}).jobs->check(); }, code);
  };
  EXPECT_NO_THROW(open_state_store(server.tls_url(), {}).jobs->check());
  EXPECT_NE(said("rediss://127.0.0.1:" + port, ErrorCode::unavailable).find("certificate is rejected"),
            std::string::npos);
  // Right certificate, wrong name.
  EXPECT_NE(
      said("rediss://localhost:" + port + "?cacertfile=" + server.certificate_file(), ErrorCode::unavailable)
          .find("certificate is rejected"),
      std::string::npos);
  EXPECT_NE(said("rediss://127.0.0.1:" + port + "?cacertfile=/no/such", ErrorCode::usage).find("/no/such"),
            std::string::npos);
  // A server that speaks no TLS.
  EXPECT_NE(said("rediss://127.0.0.1:" + std::to_string(server.port()), ErrorCode::unavailable), "");
}

TEST(RedisState, FailsWithoutWaitingWhileTheServerStaysUnavailable) {
  testing::RedisServer server;
  redis::ConnectionPool pool(redis::parse_address(server.url()), 2, 100ms);
  const auto ping = [&] { pool.run([](redis::Connection& connection) { connection.command({"PING"}); }); };
  ping();
  server.kill();
  EXPECT_NE(refusal(ping, ErrorCode::unavailable), "") << "this one has waited for it";
  // While one call tries whether it is back, and that takes long, others do not wait.
  std::promise<void> trying;
  std::promise<void> go_on;
  auto trial = std::async(std::launch::async, [&] {
    return refusal(
        [&] {
          pool.run([&](redis::Connection&) {
            trying.set_value();
            go_on.get_future().wait();
            throw redis::Broken("it is away");
          });
        },
        ErrorCode::unavailable);
  });
  trying.get_future().wait();
  for (int i = 0; i < 100; ++i) {
    EXPECT_NE(refusal(ping, ErrorCode::unavailable), "");
  }
  go_on.set_value();
  EXPECT_NE(trial.get(), "");
  server.start();
  EXPECT_NO_THROW(ping());
  EXPECT_NO_THROW(ping());
}

TEST(RedisState, HasConnectionsForSeveralThreads) {
  const testing::RedisServer server;
  redis::ConnectionPool pool(redis::parse_address(server.url()), 3);
  // All three are held at a time: each goes on when the last one has come.
  std::barrier together(3);
  std::vector<std::future<std::int64_t>> calls;
  for (int i = 0; i < 3; ++i) {
    calls.push_back(std::async(std::launch::async, [&] {
      return pool.ask([&](redis::Connection& connection) {
        together.arrive_and_wait();
        return connection.command({"CLIENT", "ID"}).integer;
      });
    }));
  }
  std::set<std::int64_t> connections;
  for (auto& call : calls) {
    connections.insert(call.get());
  }
  EXPECT_EQ(connections.size(), 3U);
}

TEST(RedisState, SendsScriptsAgainAfterScriptFlush) {
  const testing::RedisServer server;
  StateStore store = open_state_store(server.url(), {});
  store.jobs->create(testing::one_job("ann"));
  redis::Connection connection(redis::parse_address(server.url()));
  connection.command({"SCRIPT", "FLUSH"});
  store.jobs->create(testing::one_job("ann"));
  EXPECT_EQ(store.jobs->count(JobState::queued), 2);
  // From the second time on only their digests are sent.
  connection.command({"CONFIG", "RESETSTAT"});
  store.jobs->create(testing::one_job("ann"));
  const std::string used = connection.command({"INFO", "commandstats"}).text;
  EXPECT_NE(used.find("cmdstat_evalsha:"), std::string::npos) << used;
  EXPECT_EQ(used.find("cmdstat_eval:"), std::string::npos) << used;
}

TEST(RedisState, WarnsOfSettingsThatLoseJobs) {
  const testing::RedisServer server;  // with appendonly yes and appendfsync always
  redis::Connection connection(redis::parse_address(server.url()));
  const auto warnings = [&] {
    std::vector<std::string> said;
    StateOptions options;
    options.warn = [&](const std::string& sentence) { said.push_back(sentence); };
    StateStore store = open_state_store(server.url(), options);
    store.jobs->check();
    store.jobs->check();
    return said;
  };
  EXPECT_TRUE(warnings().empty());
  connection.command({"CONFIG", "SET", "appendfsync", "everysec"});
  connection.command({"CONFIG", "SET", "maxmemory-policy", "allkeys-lru"});
  ASSERT_EQ(warnings().size(), 1U) << "without a limit of memory nothing is dropped";
  EXPECT_NE(warnings()[0].find("Set 'appendfsync always'"), std::string::npos);
  connection.command({"CONFIG", "SET", "maxmemory", "100mb"});
  ASSERT_EQ(warnings().size(), 2U);
  EXPECT_NE(warnings()[1].find("Set 'maxmemory-policy noeviction'"), std::string::npos);
  connection.command({"CONFIG", "SET", "appendonly", "no"});
  EXPECT_NE(warnings().at(0).find("Set 'appendonly yes'"), std::string::npos);
  // A server that does not let itself be asked.
  connection.command({"ACL", "SETUSER", "default", "-config"});
  ASSERT_EQ(warnings().size(), 1U);
  EXPECT_NE(warnings()[0].find("CONFIG GET"), std::string::npos);
}

TEST(RedisState, RefusesUrlsThatAreNone) {
  for (const char* url :
       {"redis:", "redis://", "redis://h:0", "redis://h:99999", "redis://h/a", "redis://h/-1", "http://h",
        "redis://h?cacertfile=/f", "rediss://h?x=1", "rediss://h?cacertfile=", "redis://a,b",
        "redis://h?replicas=-1", "redis://h?sentinel_password=x", "redis+sentinel://a,b",
        "redis+sentinel://a,b/", "redis+sentinel://a,/main", "redis+sentinel://a/main/x",
        "redis+sentinel:///main"}) {
    EXPECT_NE(refusal([&] { static_cast<void>(open_state_store(url, {})); }, ErrorCode::usage), "") << url;
  }
  const std::string said =
      refusal([] { static_cast<void>(open_state_store("redis://ann:secret@h:bad", {})); }, ErrorCode::usage);
  EXPECT_EQ(said.find("secret"), std::string::npos) << said;
}

TEST(RedisAddress, NamesSentinels) {
  const redis::Address address = redis::parse_address(
      "rediss+sentinel://ann:a,b%40c@one,[::1]:7/main/3?replicas=2&cacertfile=/ca.pem&sentinel_user=s&"
      "sentinel_password=p%26q");
  const std::vector<redis::Endpoint> sentinels{{"one", 26379}, {"::1", 7}};
  EXPECT_EQ(address.sentinels, sentinels);
  EXPECT_EQ(address.primary_name, "main");
  EXPECT_EQ(address.database, 3);
  EXPECT_EQ(address.replicas, 2);
  EXPECT_EQ(address.user, "ann");
  EXPECT_EQ(address.password, "a,b@c");
  EXPECT_EQ(address.sentinel_user, "s");
  EXPECT_EQ(address.sentinel_password, "p&q");
  EXPECT_TRUE(address.tls);
  EXPECT_EQ(address.shown(), "Redis 'main' of the sentinels one:26379, ::1:7");
  EXPECT_FALSE(redis::parse_address("redis+sentinel://one/main").tls);
  EXPECT_EQ(redis::parse_address("redis://h:1?replicas=1").replicas, 1);
}

TEST(RedisState, RefusesACluster) {
  const testing::RedisServer server(
      "", false, {"--cluster-enabled", "yes", "--cluster-port", std::to_string(testing::free_port())});
  const std::string said =
      refusal([&] { open_state_store(server.url(), {}).jobs->check(); }, ErrorCode::usage);
  EXPECT_NE(said.find("Redis Cluster"), std::string::npos) << said;
}

}  // namespace
}  // namespace tessera
