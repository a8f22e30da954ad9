// SPDX-License-Identifier: Apache-2.0
// A state store whose primary is chosen by three sentinels: real servers, one of which is killed or cut off.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <fstream>

#include "adapters/open.hpp"
#include "adapters/redis/connection.hpp"
#include "adapters/state/state_server.hpp"
#include "base/error.hpp"
#include "servers/redis_server.hpp"
#include "support/errors.hpp"
#include "support/wait.hpp"

namespace tessera {
namespace {

using namespace std::chrono_literals;
using testing::refusal;

class Sentinels {
 public:
  explicit Sentinels(int primary_port) {
    for (std::size_t i = 0; i < ports_.size(); ++i) {
      const std::filesystem::path file = folder_.path() / fmt::format("sentinel{}.conf", i);
      std::ofstream(file) << fmt::format(
          "port {}\nbind 127.0.0.1\ndir {}\nsentinel monitor main 127.0.0.1 {} 2\n"
          "sentinel down-after-milliseconds main 2000\nsentinel failover-timeout main 5000\n"
          "requirepass word\nsentinel sentinel-pass word\n",
          ports_.at(i), folder_.path().string(), primary_port);
      processes_.at(i) = std::make_unique<testing::ServerProcess>(
          std::vector<std::string>{"redis-server", file, "--sentinel"}, testing::ServerProcess::Environment{},
          folder_.path() / fmt::format("sentinel{}.log", i));
    }
    for (std::size_t i = 0; i < ports_.size(); ++i) {
      processes_.at(i)->wait_until_ready(ports_.at(i));
    }
  }

  /// Whether each of them knows the other two and one replica: before that there is no failover.
  bool complete() {
    return std::ranges::all_of(ports_, [](int port) {
      redis::Connection connection = connect(port);
      const redis::Reply reply = connection.command({"SENTINEL", "MASTER", "main"});
      const auto number = [&](std::string_view name) {
        for (std::size_t i = 0; i + 1 < reply.list.size(); i += 2) {
          if (reply.list[i].text == name) {
            return reply.list[i + 1].text;
          }
        }
        return std::string();
      };
      return number("num-other-sentinels") == "2" && number("num-slaves") == "1";
    });
  }

  /// Has all of them take the server at that port for the primary.
  void watch_instead(int primary_port) {
    for (const int port : ports_) {
      redis::Connection connection = connect(port);
      connection.command({"SENTINEL", "REMOVE", "main"});
      connection.command({"SENTINEL", "MONITOR", "main", "127.0.0.1", std::to_string(primary_port), "2"});
    }
  }

  /// The first of the list is where no sentinel is.
  [[nodiscard]] std::string url(const std::string& parameters = {}) const {
    std::string hosts = fmt::format("127.0.0.1:{}", testing::free_port());
    for (const int port : ports_) {
      hosts += fmt::format(",127.0.0.1:{}", port);
    }
    return fmt::format("redis+sentinel://{}/main?sentinel_password=word{}", hosts, parameters);
  }

 private:
  static redis::Connection connect(int port) {
    return redis::Connection(redis::parse_address(fmt::format("redis://:word@127.0.0.1:{}", port)), 5s,
                             redis::ServerKind::sentinel);
  }

  testing::ServerFolder folder_;
  std::array<int, 3> ports_{testing::free_port(), testing::free_port(), testing::free_port()};
  std::array<std::unique_ptr<testing::ServerProcess>, 3> processes_;
};

class RedisSentinel : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(testing::poll_until([&] { return sentinels.complete(); }));
    ASSERT_TRUE(testing::poll_until([&] { return with_replica(primary) == 1; }));
  }

  /// Number of replicas that confirm to have everything.
  static std::int64_t with_replica(const testing::RedisServer& server) {
    redis::Connection connection(redis::parse_address(server.url()));
    return connection.command({"WAIT", "1", "1000"}, 1s).integer;
  }

  /// Does it as clients of the service do: again, as long as the state store is unavailable.
  template <class Work>
  static bool eventually(const Work& work) {
    return testing::poll_until([&] {
      try {
        work();
        return true;
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::unavailable) << error.what();
        return false;
      }
    });
  }

  testing::RedisServer primary;
  testing::RedisServer replica{
      "",
      false,
      {"--replicaof", "127.0.0.1", std::to_string(primary.port()), "--repl-diskless-sync-delay", "0"}};
  Sentinels sentinels{primary.port()};
};

TEST_F(RedisSentinel, FollowsAFailoverWithoutLosingWhatWasConfirmed) {
  StateStore store = open_state_store(sentinels.url("&replicas=1"), {});
  std::vector<std::string> ids;
  for (int i = 0; i < 50; ++i) {
    const NewJobs jobs = testing::one_job("ann");
    store.jobs->create(jobs);
    ids.push_back(jobs.jobs.front().id);
  }
  const auto before = store.events->read_after("", 100, 0ms);
  primary.kill();
  ASSERT_TRUE(eventually([&] { store.jobs->check(); }));
  for (const std::string& id : ids) {
    EXPECT_TRUE(store.jobs->find(id)) << id;
  }
  EXPECT_EQ(before.size(), 50U);
  EXPECT_EQ(store.events->read_after("", 100, 0ms).size(), 50U);

  // The only server that is left has no replica, and says so.
  const NewJobs more = testing::one_job("ann");
  const std::string said = refusal([&] { store.jobs->create(more); }, ErrorCode::unavailable);
  EXPECT_NE(said.find("0 replicas that confirm a change"), std::string::npos) << said;
  // The old primary comes back, and the sentinels make a replica of it.
  primary.start();
  EXPECT_TRUE(eventually([&] { store.jobs->create(more); }));
  EXPECT_EQ(store.jobs->count(JobState::queued), 51);
  EXPECT_EQ(with_replica(replica), 1);
}

TEST_F(RedisSentinel, LeavesAPrimaryThatWasReplacedWhileItDidNotAnswer) {
  StateStore store = open_state_store(sentinels.url(), {});
  const NewJobs jobs = testing::one_job("ann");
  store.jobs->create(jobs);
  ASSERT_EQ(with_replica(primary), 1);
  primary.suspend();
  JobChange change;
  change.state = JobState::running;
  ASSERT_TRUE(eventually([&] { store.jobs->change(jobs.jobs.front().id, 1, change); }));
  EXPECT_EQ(open_state_store(replica.url(), {}).jobs->count(JobState::running), 1) << "there it was made";
  primary.resume();
}

TEST_F(RedisSentinel, LeavesAPrimaryThatDoesNotKnowOfItsReplacement) {
  StateStore store = open_state_store(sentinels.url(), {});
  store.jobs->create(testing::one_job("ann"));
  ASSERT_EQ(with_replica(primary), 1);
  // As after a network that was parted: the old primary goes on answering as one.
  redis::Connection(redis::parse_address(replica.url())).command({"REPLICAOF", "NO", "ONE"});
  sentinels.watch_instead(replica.port());
  const StateStore new_primary = open_state_store(replica.url(), {});
  EXPECT_TRUE(testing::poll_until([&] {
    store.jobs->create(testing::one_job("ann"));
    return new_primary.jobs->count(JobState::queued) > 1;
  }));
}

TEST_F(RedisSentinel, SaysWhatItWaitsFor) {
  const auto said = [](const std::string& url, ErrorCode code) {
    return refusal([&] { open_state_store(url, {}).jobs->check(); }, code);
  };
  const int none = testing::free_port();
  std::string sentence =
      said(fmt::format("redis+sentinel://127.0.0.1:{}/main", none), ErrorCode::unavailable);
  EXPECT_NE(sentence.find("no sentinel names the primary"), std::string::npos) << sentence;
  sentence =
      said(sentinels.url().replace(sentinels.url().find("/main"), 5, "/other"), ErrorCode::unavailable);
  EXPECT_NE(sentence.find("it watches no 'other'"), std::string::npos) << sentence;
  sentence = said(fmt::format("redis+sentinel://127.0.0.1:{}/main", primary.port()), ErrorCode::usage);
  EXPECT_NE(sentence.find("is no sentinel"), std::string::npos) << sentence;
  std::string url = sentinels.url();
  url.replace(url.find("=word"), 5, "=wrong");
  EXPECT_NE(said(url, ErrorCode::forbidden).find("rejects the user or the password"), std::string::npos);

  std::vector<std::string> warnings;
  StateOptions options;
  options.warn = [&](const std::string& warning) { warnings.push_back(warning); };
  open_state_store(sentinels.url(), options).jobs->check();
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_NE(warnings[0].find("replicas=1"), std::string::npos) << warnings[0];
}

TEST(RedisSentinelTls, IsUsedToTheSentinelsAndToThePrimary) {
  ::signal(SIGPIPE, SIG_IGN);  // as the service's programs do; OpenSSL writes to sockets that may be gone
  const testing::RedisServer server("word", true);
  const testing::ServerFolder folder;
  const int port = testing::free_port();
  const std::string certificate = server.certificate_file();
  const std::filesystem::path file = folder.path() / "sentinel.conf";
  std::ofstream(file) << fmt::format(
      "port 0\ntls-port {0}\nbind 127.0.0.1\ndir {1}\ntls-cert-file {2}\ntls-key-file {3}\n"
      "tls-ca-cert-file {2}\ntls-auth-clients no\ntls-replication yes\n"
      "sentinel monitor main 127.0.0.1 {4} 1\nsentinel auth-pass main word\n",
      port, folder.path().string(), certificate, server.key_file(), server.tls_port());
  testing::ServerProcess sentinel({"redis-server", file, "--sentinel"}, {}, folder.path() / "log");
  sentinel.wait_until_ready(port);
  const std::string where = fmt::format("rediss+sentinel://:word@127.0.0.1:{}/main", port);
  StateStore store = open_state_store(where + "?cacertfile=" + certificate, {});
  store.jobs->create(testing::one_job("ann"));
  EXPECT_EQ(open_state_store(server.url(), {}).jobs->count(JobState::queued), 1);
  const std::string said =
      refusal([&] { open_state_store(where, {}).jobs->check(); }, ErrorCode::unavailable);
  EXPECT_NE(said.find("certificate is rejected"), std::string::npos) << said;
}

}  // namespace
}  // namespace tessera
