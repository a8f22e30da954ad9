// SPDX-License-Identifier: Apache-2.0
// Limits for event streams: per client, per owner and in total.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <future>

#include "adapters/sqlite/state_store.hpp"
#include "http/server.hpp"
#include "servers/raw_http.hpp"
#include "servers/server_process.hpp"
#include "service/notifier/notifier.hpp"

namespace tessera::service {
namespace {

using namespace std::chrono_literals;
using testing::RawConnection;

class NotifierLimits : public ::testing::Test {
 protected:
  void start() {
    notifier = std::make_unique<Notifier>(options, NotifierPorts{*state.jobs, *state.events, access});
    http::Router router;
    notifier->mount(router);
    server = std::make_unique<http::Server>(http::ServerOptions{}, std::move(router));
  }
  void TearDown() override {
    if (notifier) {
      notifier->stop();
    }
    server.reset();
  }
  /// A job with a record of about this size.
  std::string create(std::size_t bytes = 0) {
    Job job;
    job.id = new_id("job", system_now());
    job.batch_id = new_id("batch", system_now());
    job.owner = "local";
    job.request.name = std::string(bytes, 'x');
    job.created = job.updated = system_now();
    state.jobs->create({{job}, {}, {}, {}});
    return job.id;
  }
  [[nodiscard]] std::unique_ptr<RawConnection> follow(const std::string& query = {}) const {
    auto connection = std::make_unique<RawConnection>(server->port());
    connection->send("GET /v1/events" + query + " HTTP/1.1\r\nHost: h\r\n\r\n");
    return connection;
  }

  testing::ServerFolder folder;
  StateStore state = open_sqlite_state_store(folder.path() / "state.db", {});
  Access access{*state.tokens, Authentication::disabled};
  NotifierOptions options;
  std::unique_ptr<Notifier> notifier;
  std::unique_ptr<http::Server> server;
};

TEST_F(NotifierLimits, StreamsPerOwnerAreLimited) {
  options.max_subscribers_per_owner = 2;
  start();
  auto first = follow();
  EXPECT_NE(first->read_until("\r\n\r\n").find(" 200 "), std::string::npos);
  const auto second = follow();
  EXPECT_NE(second->read_until("\r\n\r\n").find(" 200 "), std::string::npos);
  const auto third = follow();
  const std::string refused = third->read_until("\r\n\r\n");
  EXPECT_NE(refused.find(" 429 "), std::string::npos) << refused;
  EXPECT_NE(refused.find("\r\nRetry-After: 5\r\n"), std::string::npos) << refused;
  first.reset();
  std::string answer;
  const auto give_up = std::chrono::steady_clock::now() + 30s;
  while (answer.find(" 200 ") == std::string::npos && std::chrono::steady_clock::now() < give_up) {
    answer = follow()->read_until("\r\n\r\n");
  }
  EXPECT_NE(answer.find(" 200 "), std::string::npos);
}

TEST_F(NotifierLimits, ProxyBufferingIsDisabled) {
  start();
  EXPECT_NE(follow()->read_until("\r\n\r\n").find("\r\nX-Accel-Buffering: no\r\n"), std::string::npos);
}

TEST_F(NotifierLimits, SlowClientsAreDisconnectedAtTheTotalLimit) {
  // Each could be behind by all of it.
  options.max_total_behind_bytes = std::size_t{4} << 20;
  options.max_behind_bytes = std::size_t{64} << 20;
  options.max_recent_bytes = 1000;
  start();
  const auto silent = follow();
  silent->read_until("\r\n\r\n");
  const auto reading = follow();
  reading->read_until("\r\n\r\n");
  const auto give_up = std::chrono::steady_clock::now() + 60s;
  std::size_t followers = 2;
  while (followers > 1 && std::chrono::steady_clock::now() < give_up) {
    const std::string id = create(100'000);
    reading->read_until("\"id\":\"" + id);
    reading->read_until("\n\n");
    followers = notifier->subscribers();
  }
  EXPECT_EQ(followers, 1U);
  const std::string id = create();
  EXPECT_NE(reading->read_until("\"id\":\"" + id), "");
}

TEST_F(NotifierLimits, TheEventBufferIsLimitedInBytes) {
  EventBuffer buffer(*state.events, "0", 1000, 100'000);
  const Event large{"",
                    "queued",
                    "job",
                    "batch",
                    "ann",
                    system_now(),
                    Json{{"id", "job"}, {"batch", "b"}, {"request", {{"name", std::string(9'000, 'x')}}}}};
  for (int i = 1; i <= 100; ++i) {
    Event event = large;
    event.id = std::to_string(i);
    buffer.append(SerializedEvent(event));
    EXPECT_LE(buffer.bytes(), 100'000U);
  }
  EXPECT_EQ(buffer.newest_id(), "100");
  EXPECT_FALSE(buffer.covers("80"));
  EXPECT_TRUE(buffer.covers("95"));
  EXPECT_FALSE(buffer.has_room(1, 100'000));
  std::vector<std::string> ids;
  buffer.for_each_after("95", [&](SerializedEvent& serialized) { ids.push_back(serialized.event().id); });
  EXPECT_EQ(ids, (std::vector<std::string>{"96", "97", "98", "99", "100"}));

  const MessageMemory memory;
  SerializedEvent serialized(large);
  {
    const http::Message one = serialized.message(false, memory);
    const http::Message same = serialized.message(false, memory);
    EXPECT_EQ(one, same) << "one for all clients";
    EXPECT_GE(memory.bytes(), one->size());
    EXPECT_LT(memory.bytes(), 2 * one->size());
  }
  EXPECT_EQ(memory.bytes(), 0U);
}

TEST_F(NotifierLimits, AnEventThatCannotBeReadStopsNothing) {
  const Event foreign{"1", "queued", "job", "batch", "ann", system_now(), Json{{"another", "version"}}};
  const MessageMemory memory;
  SerializedEvent serialized(foreign);
  EXPECT_EQ(*serialized.message(false, memory), "id: 1\nevent: queued\ndata: null\n\n");
  EXPECT_EQ(*serialized.message(true, memory), R"({"id":"1","event":"queued","job":null})");
}

TEST_F(NotifierLimits, EndsWhileItIsFollowed) {
  start();
  const auto stream = follow();
  stream->read_until("\r\n\r\n");
  RawConnection socket(server->port());
  socket.send(
      "GET /v1/events/socket HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
  socket.read_until("\r\n\r\n");
  auto stopped = std::async(std::launch::async, [&] {
    notifier->stop();
    server->stop(120s);
  });
  // Neither of them closes, and the WebSocket's client does not even answer.
  EXPECT_EQ(stopped.wait_for(60s), std::future_status::ready);
}

}  // namespace
}  // namespace tessera::service
