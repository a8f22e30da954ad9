// SPDX-License-Identifier: Apache-2.0
// What a client sends to a server that it was sent to by another.
#include <gtest/gtest.h>

#include <mutex>

#include "base/error.hpp"
#include "client/client.hpp"
#include "http/server.hpp"

namespace tessera::testing {
namespace {

/// A server of events that keeps the requests it got.
class EventServer {
 public:
  EventServer() : server_({}, routes()) {}
  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(server_.port()); }
  [[nodiscard]] http::Request request() {
    const std::scoped_lock lock(mutex_);
    return request_;
  }

 private:
  http::Router routes() {
    http::Router router;
    router.add("GET", "/v1/events", {}, [this](http::Request& request) {
      const std::scoped_lock lock(mutex_);
      request_ = request;
      return http::text_response(200, "event: done\ndata: {\"id\": \"job_1\"}\n\n", "text/event-stream");
    });
    return router;
  }
  std::mutex mutex_;
  http::Request request_;
  http::Server server_;
};

/// A gateway that sends its clients elsewhere for events.
http::Router gateway_routes(const std::string& events_url, std::string& token_seen) {
  http::Router router;
  router.add("GET", "/v1/events", {}, [events_url](http::Request& request) {
    return http::redirect_response(307, events_url + "/v1/events?" + request.raw_query);
  });
  router.add("POST", "/v1/stream-tokens", {}, [&token_seen](http::Request& request) {
    token_seen = request.header("Authorization");
    return http::json_response(201, {{"token", "tss_1.2.3"}, {"expires", "2026-11-24T04:05:06.789Z"}});
  });
  return router;
}

TEST(ClientRedirect, AnotherOriginGetsAStreamTokenAndNeverTheToken) {
  EventServer events;
  std::string token_seen;
  const http::Server gateway({}, gateway_routes(events.url(), token_seen));
  Client client({"http://127.0.0.1:" + std::to_string(gateway.port()), "tsr_SECRET", {}});
  bool told = false;
  client.follow("job=job_1", [&](const std::string& event, const Json&) {
    told = event == "done";
    return false;
  });
  EXPECT_TRUE(told);
  EXPECT_EQ(token_seen, "Bearer tsr_SECRET");
  const http::Request request = events.request();
  EXPECT_EQ(request.query_value("token"), "tss_1.2.3");
  EXPECT_EQ(request.query_value("job"), "job_1");
  for (const auto& [name, value] : request.headers) {
    EXPECT_EQ(value.find("SECRET"), std::string::npos) << name;
  }
  EXPECT_EQ(request.raw_query.find("SECRET"), std::string::npos);
}

}  // namespace
}  // namespace tessera::testing
