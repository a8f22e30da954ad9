// SPDX-License-Identifier: Apache-2.0
#include "http/server.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <latch>
#include <thread>

#include "base/error.hpp"
#include "http/problem.hpp"
#include "servers/raw_http.hpp"
#include "servers/server_process.hpp"

namespace tessera::http {
namespace {

using namespace std::chrono_literals;
using testing::Answer;
using testing::ask;
using testing::RawConnection;

class HttpServer : public ::testing::Test {
 protected:
  void SetUp() override {
    std::ofstream(folder.path() / "file") << "0123456789";
    router.add({.method = "GET", .pattern = "/file", .handler = [this](Request&) {
                  return Response{200,
                                  {{"ETag", "\"v1\""}},
                                  FileContent{std::make_shared<OpenFile>(folder.path() / "file")}};
                }});
    router.add({.method = "POST",
                .pattern = "/echo/{name}",
                .handler =
                    [](Request& request) {
                      StringSink sink;
                      sink.text =
                          request.parameter("name") + (request.body.in_memory() ? ":memory:" : ":file:");
                      const auto source = request.body.open();
                      std::array<std::byte, 1000> piece{};
                      while (const std::size_t count = source->read(piece)) {
                        sink.write(std::span(piece).first(count));
                      }
                      return text_response(200, sink.text, "text/plain");
                    },
                .max_body_bytes = 100'000,
                .content_types = {"text/plain"}});
    router.add({.method = "GET", .pattern = "/tail/{rest...}", .handler = [](Request& request) {
                  return text_response(200, request.parameter("rest"), "text/plain");
                }});
    router.add({.method = "GET", .pattern = "/error", .handler = [](Request&) -> Response {
                  throw Error(ErrorCode::busy, "Too much.");
                }});
    router.add({.method = "GET", .pattern = "/defect", .handler = [](Request&) -> Response {
                  throw std::runtime_error("secret");
                }});
    router.add({.method = "GET", .pattern = "/header", .handler = [](Request&) {
                  return text_response(200, "", "text/plain").with("X-Value", "a\r\nX-Injected: 1");
                }});
    router.add({.method = "GET", .pattern = "/produced", .handler = [](Request& request) {
                  const bool fails = request.query_value("fail").has_value();
                  return Response{200, {}, ProducedContent{{}, false, [fails](ByteSink& out, const auto&) {
                                                             const std::string piece(10'000, 'x');
                                                             for (int i = 0; i < 100; ++i) {
                                                               out.write(std::as_bytes(std::span(piece)));
                                                             }
                                                             if (fails) {
                                                               throw Error(ErrorCode::io, "Broken.");
                                                             }
                                                           }}};
                }});
    router.add({.method = "GET", .pattern = "/push", .handler = [this](Request&) {
                  channel = std::make_shared<Channel>(std::size_t{1} << 16);
                  pushing.count_down();
                  return Response{200,
                                  {{"Content-Type", "text/event-stream"}},
                                  PushContent{channel, false, ": beat\n", 50ms}};
                }});
    options.memory_body_bytes = 1000;
    options.temporary_folder = folder.path();
    options.max_header_bytes = 4096;
  }
  void start() { server = std::make_unique<Server>(options, router); }
  Answer get(std::string_view target, const testing::Fields& fields = {}) {
    return ask(server->port(), "GET", target, fields);
  }

  testing::ServerFolder folder;
  ServerOptions options;
  Router router;
  std::shared_ptr<Channel> channel;
  std::latch pushing{1};
  std::unique_ptr<Server> server;
};

TEST_F(HttpServer, AdmitsARequestOnce) {
  std::atomic<int> admitted{0};
  router.add({.method = "POST",
              .pattern = "/counted",
              .handler = [](Request&) { return text_response(200, "", "text/plain"); },
              .admit = [&](Request&) { ++admitted; },
              .max_body_bytes = 100});
  start();
  EXPECT_EQ(ask(server->port(), "POST", "/counted", {}, "a body").status, 200);
  EXPECT_EQ(admitted, 1);
  EXPECT_EQ(ask(server->port(), "POST", "/counted").status, 200);
  EXPECT_EQ(admitted, 2);
}

TEST_F(HttpServer, ServesFilesInRanges) {
  start();
  EXPECT_EQ(get("/file").body, "0123456789");
  const Answer part = get("/file", {{"Range", "bytes=2-4"}});
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, "234");
  EXPECT_EQ(part.headers.at("content-range"), "bytes 2-4/10");
  EXPECT_EQ(get("/file", {{"Range", "bytes=-3"}}).body, "789");
  EXPECT_EQ(get("/file", {{"Range", "bytes=8-"}}).body, "89");
  const Answer beyond = get("/file", {{"Range", "bytes=10-"}});
  EXPECT_EQ(beyond.status, 416);
  EXPECT_EQ(beyond.headers.at("content-range"), "bytes */10");
  EXPECT_EQ(get("/file", {{"Range", "bytes=0-1,3-4"}}).status, 200);
  EXPECT_EQ(get("/file", {{"Range", "bytes=2-4"}, {"If-Range", "\"old\""}}).status, 200);
  EXPECT_EQ(get("/file", {{"Range", "bytes=2-4"}, {"If-Range", "\"v1\""}}).status, 206);
  const Answer head = ask(server->port(), "HEAD", "/file");
  EXPECT_EQ(head.headers.at("content-length"), "10");
}

TEST_F(HttpServer, TakesBodiesShortAndLong) {
  start();
  const auto post = [&](std::string_view body, const char* type = "text/plain") {
    return ask(server->port(), "POST", "/echo/a%2Fb", {{"Content-Type", type}}, body);
  };
  EXPECT_EQ(post("hello").body, "a/b:memory:hello");
  const std::string longer(50'000, 'y');
  EXPECT_EQ(post(longer).body, "a/b:file:" + longer);
  EXPECT_EQ(post(std::string(100'001, 'y')).status, 413);
  EXPECT_EQ(post("{}", "application/json").status, 415);
  // What was longer than memory allows left no file behind.
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST_F(HttpServer, CountsChunkedBodiesWhileReading) {
  start();
  RawConnection connection(server->port());
  connection.send(
      "POST /echo/x HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n");
  connection.send("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  EXPECT_EQ(testing::read_answer(connection).body, "x:memory:abcde");
  connection.send(
      "POST /echo/x HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n");
  const std::string chunk = "8000\r\n" + std::string(0x8000, 'z') + "\r\n";
  connection.send(chunk + chunk + chunk + chunk);
  EXPECT_EQ(testing::read_answer(connection).status, 413);
}

TEST_F(HttpServer, SendsContinueOnlyIfTheBodyIsAccepted) {
  start();
  RawConnection good(server->port());
  good.send(
      "POST /echo/x HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\nExpect: "
      "100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(good.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  good.send("ok");
  EXPECT_EQ(testing::read_answer(good).body, "x:memory:ok");
  RawConnection bad(server->port());
  bad.send(
      "POST /echo/x HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\nExpect: "
      "100-continue\r\nContent-Length: 200000\r\n\r\n");
  EXPECT_EQ(bad.read_until("\r\n").substr(0, 12), "HTTP/1.1 413");
}

TEST_F(HttpServer, AnswersErrorsAsProblems) {
  start();
  const Answer busy = get("/error");
  EXPECT_EQ(busy.status, 503);
  EXPECT_EQ(busy.headers.at("content-type"), "application/problem+json");
  EXPECT_TRUE(busy.headers.contains("retry-after"));
  const Json problem = Json::parse(busy.body);
  EXPECT_EQ(problem.at("type"), "/problems/busy");
  EXPECT_EQ(problem.at("detail"), "Too much.");
  EXPECT_EQ(problem.at("instance"), "/error");
  EXPECT_EQ(get("/defect").status, 500);
  EXPECT_EQ(get("/defect").body.find("secret"), std::string::npos);
  EXPECT_EQ(get("/nothing").status, 404);
  const Answer wrong_method = ask(server->port(), "DELETE", "/file");
  EXPECT_EQ(wrong_method.status, 405);
  EXPECT_EQ(wrong_method.headers.at("allow"), "GET, HEAD");
  EXPECT_EQ(get("/file%zz").status, 400);
  EXPECT_EQ(get("/tail/a/b%20c").body, "a/b c");
}

TEST_F(HttpServer, PreventsHeaderInjection) {
  start();
  EXPECT_FALSE(get("/header").headers.contains("x-injected"));
  EXPECT_EQ(get("/file", {{"X-Request-Id", "my-id.1"}}).headers.at("x-request-id"), "my-id.1");
  EXPECT_NE(get("/file", {{"X-Request-Id", "my id\"}"}}).headers.at("x-request-id"), "my id\"}");
}

TEST_F(HttpServer, SurvivesHostileRequests) {
  start();
  const auto status_of = [&](const std::string& bytes) {
    RawConnection connection(server->port());
    connection.send(bytes);
    const std::string answer = connection.read_to_end();
    return answer.empty() ? 0 : std::stoi(answer.substr(9, 3));
  };
  EXPECT_EQ(status_of("GET /file HTTP/1.1\r\nHost: h\r\nX: " + std::string(10'000, 'a') + "\r\n\r\n"), 431);
  EXPECT_EQ(status_of("complete nonsense\r\n\r\n"), 400);
  EXPECT_EQ(status_of(std::string("GET /\0 HTTP/1.1\r\n\r\n", 19)), 400);
  EXPECT_EQ(status_of("GET /file HTTP/1.1\r\nConnection: close\r\n\r\n"), 400) << "no Host";
  EXPECT_EQ(
      status_of("POST /echo/x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc"),
      400);
  EXPECT_EQ(status_of("POST /echo/x HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n"), 400);
  EXPECT_EQ(status_of("POST /echo/x HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999999\r\n\r\n"),
            400);
  EXPECT_EQ(status_of("POST /echo/x HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\nTransfer-Encoding: "
                      "chunked\r\n\r\nnonsense\r\n"),
            400);
  EXPECT_EQ(status_of("POST /echo/x HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\nTransfer-Encoding: "
                      "chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"),
            400);
  EXPECT_EQ(status_of("GET /file HTTP/3.7\r\nHost: h\r\n\r\n"), 505);
  EXPECT_EQ(get("/file").status, 200);
}

TEST_F(HttpServer, CutsOffSlowClients) {
  options.header_timeout = 300ms;
  options.idle_timeout = 400ms;
  options.stall_timeout = 500ms;
  start();
  RawConnection silent(server->port());
  EXPECT_TRUE(silent.closed_by_peer());
  RawConnection dripping(server->port());
  dripping.send("GET /file HT");
  EXPECT_TRUE(dripping.closed_by_peer());
  RawConnection half_body(server->port());
  half_body.send(
      "POST /echo/x HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_TRUE(half_body.closed_by_peer());
}

TEST_F(HttpServer, KeepsConnectionsAndTakesPipelinedRequests) {
  start();
  RawConnection connection(server->port());
  connection.send("GET /file HTTP/1.1\r\nHost: h\r\n\r\nGET /tail/x HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(testing::read_answer(connection).body, "0123456789");
  EXPECT_EQ(testing::read_answer(connection).body, "x");
}

TEST_F(HttpServer, StreamsWhatIsProduced) {
  start();
  EXPECT_EQ(get("/produced").body, std::string(1'000'000, 'x'));
  RawConnection connection(server->port());
  connection.send("GET /produced?fail=1 HTTP/1.1\r\nHost: h\r\n\r\n");
  const std::string all = connection.read_to_end();
  EXPECT_FALSE(all.ends_with("0\r\n\r\n")) << "half a body must not look whole";
}

TEST_F(HttpServer, PushesFromOtherThreads) {
  start();
  RawConnection connection(server->port());
  connection.send("GET /push HTTP/1.1\r\nHost: h\r\n\r\n");
  connection.read_until("\r\n\r\n");
  pushing.wait();
  EXPECT_TRUE(channel->offer(std::make_shared<const std::string>("data: one\n\n")));
  connection.read_until("data: one\n\n");
  connection.read_until(": beat\n");
  EXPECT_TRUE(channel->offer(std::make_shared<const std::string>("data: two\n\n")));
  connection.read_until("data: two\n\n");
  server->stop(5s);
  EXPECT_TRUE(connection.closed_by_peer());
  EXPECT_FALSE(channel->offer(std::make_shared<const std::string>("late")));
}

TEST_F(HttpServer, CutsOffAClientThatDoesNotReadItsStream) {
  options.stall_timeout = 500ms;
  start();
  RawConnection connection(server->port());
  connection.send("GET /push HTTP/1.1\r\nHost: h\r\n\r\n");
  connection.read_until("\r\n\r\n");
  pushing.wait();
  const auto message = std::make_shared<const std::string>(std::string(30'000, 'x'));
  const auto give_up = std::chrono::steady_clock::now() + 20s;
  while (!channel->closed() && std::chrono::steady_clock::now() < give_up) {
    if (!channel->offer(message)) {
      std::this_thread::yield();
    }
  }
  EXPECT_TRUE(channel->closed());
}

TEST_F(HttpServer, FinishesRunningRequestsWhenItStops) {
  std::latch entered(1);
  std::latch leave(1);
  router.add({.method = "GET", .pattern = "/slow", .handler = [&](Request&) {
                entered.count_down();
                leave.wait();
                return text_response(200, "finished", "text/plain");
              }});
  start();
  RawConnection connection(server->port());
  connection.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n");
  entered.wait();
  RawConnection idle(server->port());
  idle.send("GET /file HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(testing::read_answer(idle).status, 200);
  std::jthread stopping([&] { server->stop(10s); });
  EXPECT_TRUE(idle.closed_by_peer());
  leave.count_down();
  const Answer answer = testing::read_answer(connection);
  EXPECT_EQ(answer.body, "finished");
  EXPECT_EQ(answer.headers.at("connection"), "close");
}

TEST_F(HttpServer, RefusesWhatItCannotListenOn) {
  options.address = "not an address";
  EXPECT_THROW(start(), Error);
  options.address = "127.0.0.1";
  options.certificate_file = folder.path() / "none.pem";
  EXPECT_THROW(start(), Error);
}

}  // namespace
}  // namespace tessera::http
