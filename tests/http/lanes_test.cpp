// SPDX-License-Identifier: Apache-2.0
// What one client, or one server that does not answer, may keep of the HTTP server.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <future>
#include <latch>
#include <memory>
#include <thread>

#include "base/error.hpp"
#include "http/problem.hpp"
#include "http/server.hpp"
#include "servers/raw_http.hpp"
#include "servers/server_process.hpp"

namespace tessera::http {
namespace {

using namespace std::chrono_literals;
using testing::Answer;
using testing::ask;
using testing::RawConnection;

Response hello(Request& /*request*/) { return text_response(200, "hello", "text/plain"); }

class HttpLimits : public ::testing::Test {
 protected:
  void SetUp() override {
    options.temporary_folder = folder.path();
    for (const auto& [path, lane] : std::vector<std::pair<std::string, Lane>>{{"/immediate", Lane::immediate},
                                                                              {"/light", Lane::light},
                                                                              {"/heavy", Lane::heavy},
                                                                              {"/waiting", Lane::waiting},
                                                                              {"/viewing", Lane::viewing}}) {
      router.add({.method = "GET", .pattern = path, .handler = hello, .lane = lane});
      router.add({.method = "GET",
                  .pattern = path + "/blocked",
                  .handler =
                      [this](Request& request) {
                        ++blocked;
                        blocked.notify_all();
                        gate.wait(false);
                        return hello(request);
                      },
                  .lane = lane});
    }
    router.add({.method = "POST",
                .pattern = "/echo",
                .handler =
                    [](Request& request) {
                      return text_response(200, std::to_string(request.body.size()), "text/plain");
                    },
                .count_body =
                    [](Request& request) {
                      if (request.body.size() > std::int64_t{6} << 20) {
                        throw Error(ErrorCode::limit_exceeded, "That is more than is left of the quota.");
                      }
                    },
                .max_body_bytes = std::int64_t{1} << 40});
  }
  void TearDown() override {
    open_gate();
    server.reset();
  }
  void open_gate() {
    gate = true;
    gate.notify_all();
  }
  void start() { server = std::make_unique<Server>(options, router); }
  /// So many requests that do not end before the gate opens; returns when all are being worked on.
  void block(const std::string& path, int count) {
    const int before = blocked;
    for (int i = 0; i < count; ++i) {
      blockers.push_back(std::make_unique<RawConnection>(server->port()));
      blockers.back()->send("GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n");
    }
    for (int now = blocked; now < before + count; now = blocked) {
      blocked.wait(now);
    }
  }
  Answer get(std::string_view target) { return ask(server->port(), "GET", target); }

  testing::ServerFolder folder;
  ServerOptions options;
  Router router;
  std::atomic<int> blocked = 0;
  std::atomic<bool> gate = false;
  std::vector<std::unique_ptr<RawConnection>> blockers;
  std::unique_ptr<Server> server;
};

TEST_F(HttpLimits, ALaneThatIsStuckStopsNoOther) {
  options.light_threads = 2;
  options.heavy_threads = 2;
  options.waiting_threads = 2;
  options.viewing_threads = 2;
  start();
  block("/viewing/blocked", 2);
  EXPECT_EQ(get("/waiting").status, 200);
  block("/waiting/blocked", 2);
  EXPECT_EQ(get("/heavy").status, 200);
  block("/heavy/blocked", 2);
  EXPECT_EQ(get("/light").status, 200);
  EXPECT_EQ(get("/immediate").status, 200);
  block("/light/blocked", 2);
  EXPECT_EQ(get("/immediate").status, 200);
  open_gate();
  EXPECT_EQ(get("/viewing").status, 200);
  EXPECT_EQ(get("/waiting").status, 200);
  EXPECT_EQ(get("/heavy").status, 200);
  EXPECT_EQ(get("/light").status, 200);
}

TEST_F(HttpLimits, WhatIsInMemoryIsAnsweredWhileAllWorkersAreBusy) {
  options.viewing_threads = 1;
  const auto tile = std::make_shared<const std::string>("a tile");
  router.add({.method = "GET",
              .pattern = "/tile/{name}",
              .handler = hello,
              .from_memory = [&](Request& request) -> std::optional<Response> {
                const std::string& name = request.parameter("name");
                if (name == "refused") {
                  throw Error(ErrorCode::forbidden, "Nobody may see it.");
                }
                return name == "kept" ? std::optional(Response{200, {}, SharedContent{tile}}) : std::nullopt;
              },
              .admit =
                  [](Request& /*request*/) {
                    throw Error(ErrorCode::unauthorized, "Only what is in memory may be seen.");
                  },
              .lane = Lane::viewing});
  start();
  block("/viewing/blocked", 1);
  Answer kept = get("/tile/kept");
  EXPECT_EQ(kept.status, 200);
  EXPECT_EQ(kept.body, "a tile");
  EXPECT_EQ(kept.headers["content-length"], "6");
  Answer head = ask(server->port(), "HEAD", "/tile/kept");
  EXPECT_EQ(head.headers["content-length"], "6");
  EXPECT_EQ(head.body, "");
  EXPECT_EQ(get("/tile/refused").status, 403);
  open_gate();
  EXPECT_EQ(get("/tile/new").status, 401) << "others are admitted, or not, as ever";
}

TEST_F(HttpLimits, MoreThanMayWaitAreToldToTryAgain) {
  options.heavy_threads = 1;
  options.max_waiting = 0;
  start();
  Answer refused = get("/heavy");
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.headers["retry-after"], "5");
  EXPECT_EQ(get("/immediate").status, 200);
}

TEST_F(HttpLimits, WorkForAClientThatIsGoneEnds) {
  std::promise<ErrorCode> ended;
  router.add({.method = "GET", .pattern = "/work", .handler = [&](Request& request) -> Response {
                ++blocked;
                blocked.notify_all();
                try {
                  for (;;) {
                    request.check_cancelled();
                    std::this_thread::yield();
                  }
                } catch (const Error& error) {
                  ended.set_value(error.code());
                  throw;
                }
              }});
  start();
  {
    RawConnection connection(server->port());
    connection.send("GET /work HTTP/1.1\r\nHost: h\r\n\r\n");
    blocked.wait(0);
  }
  auto end = ended.get_future();
  ASSERT_EQ(end.wait_for(30s), std::future_status::ready);
  EXPECT_EQ(end.get(), ErrorCode::cancelled);
}

TEST_F(HttpLimits, ARequestIsWorkedOnForSoLong) {
  options.work_timeout = 1000ms;
  router.add({.method = "GET", .pattern = "/work", .handler = [](Request& request) -> Response {
                for (;;) {
                  request.check_cancelled();
                  std::this_thread::yield();
                }
              }});
  start();
  const Answer answer = get("/work");
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(Json::parse(answer.body).at("detail"),
            "The request was processed for 1 s, which is the limit: split it into smaller ones.");
}

TEST_F(HttpLimits, OneAddressGetsSoManyConnections) {
  options.max_connections_per_address = 2;
  start();
  auto first = std::make_unique<RawConnection>(server->port());
  RawConnection second(server->port());
  for (RawConnection* const connection : {first.get(), &second}) {
    connection->send("GET /light HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(testing::read_answer(*connection).status, 200);
  }
  RawConnection third(server->port());
  const std::string refusal = third.read_to_end();
  EXPECT_TRUE(refusal.starts_with("HTTP/1.1 503 ")) << refusal;
  EXPECT_NE(refusal.find("Retry-After: 5\r\n"), std::string::npos) << refusal;
  EXPECT_NE(refusal.find("2 connections from your address are open"), std::string::npos) << refusal;
  // The place is free as soon as the server has noticed.
  first.reset();
  int status = 0;
  const auto give_up = std::chrono::steady_clock::now() + 30s;
  while (status != 200 && std::chrono::steady_clock::now() < give_up) {
    RawConnection again(server->port());
    again.send("GET /light HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    const std::string answer = again.read_to_end();
    status = answer.starts_with("HTTP/1.1 200 ") ? 200 : 503;
  }
  EXPECT_EQ(status, 200);
}

TEST_F(HttpLimits, ServesAgainWhenThereAreDescriptorsAgain) {
  start();
  EXPECT_EQ(get("/light").status, 200);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit few{64, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  {
    std::vector<std::unique_ptr<RawConnection>> all;
    bool out_of_descriptors = false;
    for (int i = 0; i < 100 && !out_of_descriptors; ++i) {
      try {
        all.push_back(std::make_unique<RawConnection>(server->port()));
      } catch (const std::runtime_error&) {
        out_of_descriptors = true;
      }
    }
    EXPECT_TRUE(out_of_descriptors);
  }
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(get("/light").status, 200);
}

TEST_F(HttpLimits, ABodyMustComeAtSomeRate) {
  options.stall_timeout = 500ms;
  options.min_bytes_per_second = std::int64_t{1} << 30;
  start();
  RawConnection connection(server->port());
  connection.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000000\r\n\r\n");
  // Never still, and never at the rate that is wanted.
  const auto give_up = std::chrono::steady_clock::now() + 30s;
  bool open = true;
  while (open && std::chrono::steady_clock::now() < give_up) {
    open = connection.send("x");
    std::this_thread::yield();
  }
  EXPECT_FALSE(open);
}

TEST_F(HttpLimits, ABodyInChunksIsCountedWhileItComes) {
  start();
  RawConnection connection(server->port());
  connection.send("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  const std::string chunk = "100000\r\n" + std::string(0x100000, 'z') + "\r\n";
  for (int i = 0; i < 16; ++i) {
    connection.send(chunk);  // and never the last one
  }
  EXPECT_EQ(testing::read_answer(connection).status, 413);
}

TEST_F(HttpLimits, NothingAfterARefusedHeaderIsTakenForARequest) {
  start();
  const auto answers = [&](const std::string& header) {
    RawConnection connection(server->port());
    connection.send(header + "\r\n\r\nGET /light HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    const std::string all = connection.read_to_end();
    int count = 0;
    for (std::size_t at = all.find("HTTP/1.1 "); at != std::string::npos;
         at = all.find("HTTP/1.1 ", at + 1)) {
      ++count;
    }
    EXPECT_EQ(count, 1) << header << "\n" << all;
    return all.size() < 12 ? 0 : std::stoi(all.substr(9, 3));
  };
  for (const char* encoding :
       {"xchunked", "chunked, identity", "gzip, chunked", "chunked, chunked", "gzip", "identity",
        "chunked;a=b", "\tchunked ,", "chunked\r\nTransfer-Encoding: chunked",
        "chunked\r\nTransfer-Encoding: identity"}) {
    EXPECT_EQ(answers(std::string("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: ") + encoding), 400);
  }
  EXPECT_EQ(answers("POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive"), 400);
  EXPECT_EQ(answers("POST /light HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip"), 400);
  EXPECT_EQ(answers("GET /nowhere HTTP/1.1\r\nHost: h"), 404);
  EXPECT_EQ(answers("POST /light HTTP/1.1\r\nHost: h"), 405);
  EXPECT_EQ(answers("GET /light HTTP/1.1\r\nHost: h\r\nExpect: 200-maybe"), 400);
  EXPECT_EQ(answers("GET /light%zz HTTP/1.1\r\nHost: h"), 400);
}

TEST_F(HttpLimits, ProducedContentHasPlacesInAllAndForEachOwner) {
  options.producer_threads = 3;
  options.max_producers_per_owner = 2;
  router.add({.method = "GET", .pattern = "/zip/{owner}", .handler = [this](Request& request) {
                ProducedContent content;
                content.owner = request.parameter("owner");
                content.produce = [this](ByteSink& out, const auto&) {
                  ++blocked;
                  blocked.notify_all();
                  gate.wait(false);
                  out.write(std::as_bytes(std::span("all")).first(3));
                };
                return Response{200, {}, std::move(content)};
              }});
  start();
  block("/zip/ann", 2);
  Answer refused = get("/zip/ann");
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.headers["retry-after"], "5");
  block("/zip/bob", 1);
  EXPECT_EQ(get("/zip/carol").status, 503);
  EXPECT_EQ(ask(server->port(), "HEAD", "/zip/carol").status, 200);
  open_gate();
  for (const auto& connection : blockers) {
    EXPECT_EQ(testing::read_answer(*connection).body, "all");
  }
  int status = 0;
  const auto give_up = std::chrono::steady_clock::now() + 30s;
  while (status != 200 && std::chrono::steady_clock::now() < give_up) {
    status = get("/zip/carol").status;
  }
  EXPECT_EQ(status, 200);
}

TEST_F(HttpLimits, StopsWhileStreamsAreFollowed) {
  const auto channel = std::make_shared<Channel>();
  router.add(
      {.method = "GET", .pattern = "/push", .handler = [&](Request&) {
         return Response{200, {{"Content-Type", "text/event-stream"}}, PushContent{channel, false, {}}};
       }});
  start();
  RawConnection follower(server->port());
  follower.send("GET /push HTTP/1.1\r\nHost: h\r\n\r\n");
  follower.read_until("\r\n\r\n");
  auto stopped = std::async(std::launch::async, [&] { server->stop(120s); });
  // The follower keeps its end open.
  EXPECT_EQ(stopped.wait_for(60s), std::future_status::ready);
  EXPECT_TRUE(follower.closed_by_peer());
}

TEST(Problems, WhatPassesSaysWhenToTryAgain) {
  int passing = 0;
  for (const ProblemType& type : problem_types()) {
    const Response response = problem_response(make_problem(type.name, "It is so."), "/");
    const auto times = std::ranges::count(response.headers, "Retry-After", &Pairs::value_type::first);
    if (type.status == 429 || type.status == 503) {
      ++passing;
      EXPECT_EQ(times, 1) << type.name;
    }
    EXPECT_LE(times, 1) << type.name;
  }
  EXPECT_GE(passing, 2);
}

TEST(ChannelLimits, CountsWhatIsTakenUntilItIsWritten) {
  Channel channel(std::size_t{1} << 20);
  const auto piece = std::make_shared<const std::string>(std::string(200'000, 'x'));
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(channel.offer(piece));
  }
  EXPECT_FALSE(channel.offer(piece));
  EXPECT_EQ(channel.take().messages.size(), 1U) << "no more than one write needs";
  EXPECT_EQ(channel.pending_bytes(), 1'000'000U);
  EXPECT_FALSE(channel.offer(piece)) << "the first is not written yet";
  EXPECT_EQ(channel.take().messages.size(), 1U);
  EXPECT_EQ(channel.pending_bytes(), 800'000U);
  EXPECT_TRUE(channel.offer(piece));
  channel.finish();
  for (int left = 4; left > 0; --left) {
    const Channel::Taken taken = channel.take();
    EXPECT_EQ(taken.messages.size(), 1U);
    EXPECT_EQ(taken.ended, left == 1);
  }
}

}  // namespace
}  // namespace tessera::http
