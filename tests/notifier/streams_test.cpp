// SPDX-License-Identifier: Apache-2.0
// Streams of events, and the tokens that they were opened with.
#include <gtest/gtest.h>

#include "adapters/sqlite/state_store.hpp"
#include "base/error.hpp"
#include "http/server.hpp"
#include "servers/raw_http.hpp"
#include "servers/server_process.hpp"
#include "service/notifier/notifier.hpp"
#include "service/stream_tokens.hpp"
#include "support/errors.hpp"

namespace tessera::service {
namespace {

using namespace std::chrono_literals;

class Streams : public ::testing::Test {
 protected:
  void SetUp() override {
    NotifierOptions options;
    options.token_check_interval = 10ms;
    notifier =
        std::make_unique<Notifier>(std::move(options), NotifierPorts{*state.jobs, *state.events, access});
    http::Router router;
    notifier->mount(router);
    mount_stream_tokens(router, access);
    server = std::make_unique<http::Server>(http::ServerOptions{}, std::move(router));
  }
  void TearDown() override {
    notifier->stop();
    server->stop();
  }
  std::string token(const std::string& owner, std::optional<TimePoint> expires = {}) {
    const std::string secret = new_token();
    state.tokens->put({token_hash(secret), owner, static_cast<int>(Scope::read), system_now(), expires});
    return secret;
  }
  [[nodiscard]] std::unique_ptr<testing::RawConnection> follow(const std::string& secret) const {
    auto connection = std::make_unique<testing::RawConnection>(server->port());
    connection->send("GET /v1/events HTTP/1.0\r\nAuthorization: Bearer " + secret + "\r\n\r\n");
    EXPECT_NE(connection->read_until("\r\n\r\n").find(" 200 "), std::string::npos);
    return connection;
  }
  /// Through a stream token and a WebSocket, as browsers do.
  [[nodiscard]] std::unique_ptr<testing::RawConnection> follow_by_socket(const std::string& stream) const {
    auto connection = std::make_unique<testing::RawConnection>(server->port());
    connection->send("GET /v1/events/socket?token=" + stream +
                     " HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                     "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    EXPECT_NE(connection->read_until("\r\n\r\n").find(" 101 "), std::string::npos);
    return connection;
  }
  [[nodiscard]] std::string stream_token(const std::string& secret) const {
    return Json::parse(testing::ask(server->port(), "POST", "/v1/stream-tokens",
                                    {{"Authorization", "Bearer " + secret}})
                           .body)
        .at("token");
  }

  testing::ServerFolder folder;
  std::atomic<std::chrono::milliseconds> passed{0ms};
  StateStore state = open_sqlite_state_store(folder.path() / "state.db", {});
  Access access{*state.tokens, Authentication::required, [this] { return system_now() + passed.load(); }};
  std::unique_ptr<Notifier> notifier;
  std::unique_ptr<http::Server> server;
};

TEST_F(Streams, EndWhenTheirTokenIsRevokedAndOthersContinue) {
  const std::string ann = token("ann");
  const std::string bob = token("bob");
  const auto of_ann = follow(ann);
  const auto socket_of_ann = follow_by_socket(stream_token(ann));
  const auto of_bob = follow(bob);
  ASSERT_EQ(notifier->subscribers(), 3U);
  ASSERT_TRUE(state.tokens->remove(token_hash(ann)));
  EXPECT_TRUE(of_ann->closed_by_peer(30s));
  EXPECT_EQ(socket_of_ann->read_exactly(1, 30s), "\x88") << "the closing frame";
  EXPECT_EQ(notifier->subscribers(), 1U);
  const testing::Answer refused =
      testing::ask(server->port(), "GET", "/v1/events", {{"Authorization", "Bearer " + ann}});
  EXPECT_EQ(refused.status, 401);
}

TEST_F(Streams, EndWhenTheirTokenExpires) {
  const auto connection = follow(token("ann", system_now() + 1h));
  passed = 1h;
  EXPECT_TRUE(connection->closed_by_peer(30s));
}

TEST_F(Streams, ContinueWhenTheirStreamTokenExpires) {
  const std::string secret = token("ann");
  const std::string stream = stream_token(secret);
  const auto connection = follow_by_socket(stream);
  passed = 6min;
  EXPECT_EQ(testing::ask(server->port(), "GET", "/v1/events?token=" + stream).status, 401);
  // A look at the tokens that began after the clock went on has ended when another stream is gone.
  const std::string other = token("bob");
  const auto other_connection = follow(other);
  state.tokens->remove(token_hash(other));
  EXPECT_TRUE(other_connection->closed_by_peer(30s));
  EXPECT_EQ(notifier->subscribers(), 1U);
}

TEST_F(Streams, AStoreWithoutTokensRefusesEveryone) {
  const testing::Answer refused = testing::ask(server->port(), "GET", "/v1/events");
  EXPECT_EQ(refused.status, 401);
  EXPECT_NE(refused.body.find("The service has no tokens"), std::string::npos) << refused.body;
  http::Request request;
  Access open(*state.tokens, Authentication::disabled);
  EXPECT_EQ(open.check(request, Scope::admin).owner, "local");
  EXPECT_EQ(
      testing::code_of([&] { static_cast<void>(open.new_stream_token(open.check(request, Scope::read))); }),
      ErrorCode::conflict);
  request.headers.emplace_back("Authorization", "Bearer tsr_wrong");
  EXPECT_EQ(testing::code_of([&] { static_cast<void>(open.check(request, Scope::read)); }),
            ErrorCode::unauthorized);
}

}  // namespace
}  // namespace tessera::service
