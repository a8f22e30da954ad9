// SPDX-License-Identifier: Apache-2.0
// The HTTP client against a small real server that misbehaves on purpose.
#include "net/http_client.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include "base/error.hpp"
#include "net/redact.hpp"
#include "servers/scripted_server.hpp"
#include "servers/server_process.hpp"
#include "support/errors.hpp"

namespace tessera {
namespace {

using testing::answer;
using testing::code_of;
using testing::refusal;
using testing::ScriptedServer;

HttpRequest get(const ScriptedServer& server) {
  HttpRequest request;
  request.url = server.url();
  return request;
}

HttpOptions quick() {
  HttpOptions options;
  options.first_backoff = std::chrono::milliseconds(1);
  options.max_backoff = std::chrono::milliseconds(2);
  return options;
}

TEST(HttpClientFaults, RetriesTransientFailures) {
  for (const char* status : {"408 Timeout", "429 Slow", "500 Oops", "502 Bad", "503 Away", "504 Late"}) {
    const ScriptedServer server({answer(status), answer(status), answer("200 OK", "here")});
    EXPECT_EQ(HttpClient(quick()).send(get(server)).body, "here") << status;
    EXPECT_EQ(server.requests(), 3);
  }
}

TEST(HttpClientFaults, DoesNotRetryPermanentFailures) {
  for (const char* status : {"400 Bad", "401 Who", "403 No", "404 None", "412 Changed", "501 Never"}) {
    const ScriptedServer server({answer(status, "why"), answer("200 OK")});
    const HttpResponse response = HttpClient(quick()).send(get(server));
    EXPECT_EQ(response.status, std::atoi(status));
    EXPECT_EQ(response.body, "why");
    EXPECT_EQ(server.requests(), 1);
  }
}

TEST(HttpClientFaults, ReturnsTheLastResponseWhenAttemptsAreUsedUp) {
  const ScriptedServer server(std::vector<std::string>(10, answer("503 Away", "still")));
  HttpOptions options = quick();
  options.max_attempts = 3;
  const HttpResponse response = HttpClient(options).send(get(server));
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.body, "still");
  EXPECT_EQ(server.requests(), 3);
}

TEST(HttpClientFaults, RetriesAfterBrokenConnections) {
  const ScriptedServer server({"", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
                               answer("200 OK", "all of it")});
  EXPECT_EQ(HttpClient(quick()).send(get(server)).body, "all of it");
  EXPECT_EQ(server.requests(), 4);
}

TEST(HttpClientFaults, ReportsARefusedConnection) {
  HttpOptions options = quick();
  options.max_attempts = 2;
  HttpRequest request;
  request.url = "http://127.0.0.1:" + std::to_string(testing::free_port());
  const std::string sentence = refusal([&] { HttpClient(options).send(request); }, ErrorCode::unavailable);
  EXPECT_NE(sentence.find(request.url), std::string::npos);
  EXPECT_NE(sentence.find("connect"), std::string::npos) << sentence;
}

TEST(HttpClientFaults, NeverWritesTheSameBytesToASinkTwice) {
  const ScriptedServer server(
      {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", answer("200 OK", "all of it")});
  StringSink sink;
  HttpRequest request = get(server);
  request.response_sink = &sink;
  int told = 0;
  request.on_head = [&](const HttpResponse& response) {
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(header_of(response, "content-length"), "9");
    EXPECT_EQ(sink.text, "");
    ++told;
  };
  EXPECT_EQ(code_of([&] { HttpClient(quick()).send(request); }), ErrorCode::unavailable);
  EXPECT_EQ(sink.text, "half");
  EXPECT_EQ(told, 1);
  EXPECT_EQ(server.requests(), 1);
}

TEST(HttpClientFaults, KeepsErrorBodiesOutOfTheSink) {
  const ScriptedServer server({answer("503 Away", "no"), answer("404 None", "nothing here")});
  StringSink sink;
  HttpRequest request = get(server);
  request.response_sink = &sink;
  EXPECT_EQ(HttpClient(quick()).send(request).body, "nothing here");
  EXPECT_EQ(sink.text, "");
}

TEST(HttpClientFaults, SendsAStreamedBodyOnce) {
  const ScriptedServer server({answer("503 Away"), answer("200 OK")});
  const auto body = memory_source("body");
  HttpRequest request = get(server);
  request.method = "PUT";
  request.body_source = body.get();
  EXPECT_EQ(HttpClient(quick()).send(request).status, 503);
  EXPECT_EQ(server.requests(), 1);
  // A short body is not announced: asking takes longer than sending.
  EXPECT_EQ(server.header().find("Expect"), std::string::npos) << server.header();
  EXPECT_NE(server.header().find("Content-Length: 4"), std::string::npos) << server.header();
}

TEST(HttpClientFaults, AbortsAStalledTransfer) {
  const ScriptedServer server({"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalfHANG"});
  HttpOptions options = quick();
  options.stall_timeout = std::chrono::milliseconds(1000);
  options.max_attempts = 1;
  const std::string sentence =
      refusal([&] { HttpClient(options).send(get(server)); }, ErrorCode::unavailable);
  EXPECT_NE(sentence.find("too slow"), std::string::npos) << sentence;
}

TEST(HttpClientFaults, TimesOutALongAttempt) {
  const ScriptedServer server({"HANG", answer("200 OK", "in time")});
  HttpOptions options = quick();
  options.total_timeout = std::chrono::milliseconds(300);
  EXPECT_EQ(HttpClient(options).send(get(server)).body, "in time");
}

TEST(HttpClientFaults, HonoursRetryAfter) {
  const ScriptedServer server({answer("503 Away", "", "Retry-After: 1\r\n"), answer("200 OK")});
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(HttpClient(quick()).send(get(server)).status, 200);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(990));
}

TEST(HttpClientFaults, BoundsRetryAfter) {
  const auto asked = [](const std::string& value) {
    HttpResponse response;
    response.headers["retry-after"] = value;
    return retry_after(response);
  };
  EXPECT_EQ(retry_after({}), std::chrono::seconds(0));
  EXPECT_EQ(asked("7"), std::chrono::seconds(7));
  EXPECT_EQ(asked("100000"), std::chrono::seconds(60));
  EXPECT_EQ(asked("-5"), std::chrono::seconds(0));
  EXPECT_EQ(asked("Wed, 21 Oct 2026 07:28:00 GMT"), std::chrono::seconds(0));
}

TEST(HttpClientFaults, StopsWhileItWaits) {
  const ScriptedServer server({answer("503 Away", "", "Retry-After: 60\r\n")});
  std::stop_source stop;
  std::jthread stopper([&] {
    while (server.requests() == 0) {
      std::this_thread::yield();
    }
    stop.request_stop();
  });
  EXPECT_EQ(code_of([&] { HttpClient(quick()).send(get(server), stop.get_token()); }), ErrorCode::cancelled);
}

TEST(HttpClientFaults, FollowsNoRedirects) {
  const ScriptedServer server({answer("302 Found", "", "Location: /elsewhere\r\n"), answer("200 OK")});
  const HttpResponse response = HttpClient(quick()).send(get(server));
  EXPECT_EQ(response.status, 302);
  EXPECT_EQ(header_of(response, "location"), "/elsewhere");
  EXPECT_EQ(server.requests(), 1);
}

TEST(HttpClientFaults, RejectsAResponseThatIsTooLong) {
  const ScriptedServer server({answer("200 OK", std::string(5000, 'x'))});
  HttpOptions options = quick();
  options.max_body_bytes = 4999;
  EXPECT_EQ(code_of([&] { HttpClient(options).send(get(server)); }), ErrorCode::limit_exceeded);
}

TEST(HttpClientFaults, SpeaksOnlyHttp) {
  HttpRequest request;
  request.url = "file:///etc/hostname";
  HttpOptions options = quick();
  options.max_attempts = 1;
  EXPECT_EQ(code_of([&] { HttpClient(options).send(request); }), ErrorCode::unavailable);
}

TEST(HttpClientTls, TrustsOnlyTheGivenAuthorities) {
  const testing::ServerFolder folder;
  const std::string certificate = folder.path() / "certificate.pem";
  const std::string key = folder.path() / "key.pem";
  ASSERT_EQ(std::system(("openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=127.0.0.1 -addext "
                         "subjectAltName=IP:127.0.0.1 -keyout '" +
                         key + "' -out '" + certificate + "' 2>/dev/null")
                            .c_str()),
            0);
  const int port = testing::free_port();
  testing::ServerProcess server({"openssl", "s_server", "-accept", "127.0.0.1:" + std::to_string(port),
                                 "-key", key, "-cert", certificate, "-www", "-quiet"},
                                {}, folder.path() / "log");
  server.wait_until_ready(port);
  HttpRequest request;
  request.url = "https://127.0.0.1:" + std::to_string(port) + "/";
  HttpOptions options = quick();
  options.max_attempts = 2;
  const std::string sentence = refusal([&] { HttpClient(options).send(request); }, ErrorCode::unavailable);
  EXPECT_NE(sentence.find("certificate"), std::string::npos) << sentence;
  options.ca_file = certificate;
  EXPECT_EQ(HttpClient(options).send(request).status, 200);
  // Right certificate, wrong name.
  request.url = "https://localhost:" + std::to_string(port) + "/";
  EXPECT_EQ(code_of([&] { HttpClient(options).send(request); }), ErrorCode::unavailable);
}

TEST(HttpClient, SendsNoControlCharacters) {
  HttpClient client;
  const std::string url = "http://127.0.0.1:9/x";
  const auto refused = [&](HttpRequest request) {
    return refusal([&] { client.send(request); }, ErrorCode::usage);
  };
  HttpRequest request;
  request.url = url;
  request.headers = {{"Content-Type", "image/png\nx-goog-acl: public-read"}};
  EXPECT_NE(refused(request).find("Content-Type"), std::string::npos);
  request.headers = {{"X-A\r\nX-B", "1"}};
  EXPECT_NE(refused(request).find("control character"), std::string::npos);
  request.headers = {{"X-A", std::string("a\0b", 3)}};
  EXPECT_NE(refused(request).find("control character"), std::string::npos);
  request.headers.clear();
  request.url = url + "\r\nHost: evil";
  EXPECT_NE(refused(request).find("its URL"), std::string::npos);
}

TEST(RedactUrl, HidesPasswordsAndQueries) {
  EXPECT_EQ(redact_url("redis://ann:secret@host:6379/0"), "redis://ann:***@host:6379/0");
  EXPECT_EQ(redact_url("redis://:secret@host:bad/0"), "redis://:***@host:bad/0");
  EXPECT_EQ(redact_url("amqp://ann:se/cr@t@host/"), "amqp://ann:***@host/");
  EXPECT_EQ(redact_url("https://token@host/a?signature=secret#secret"), "https://***@host/a");
  EXPECT_EQ(redact_url("ann:secret@host"), "ann:***@host");
  EXPECT_EQ(redact_url("https://host/a@b"), "https://host/a@b");
  EXPECT_EQ(redact_url("s3://bucket/prefix?endpoint=http://x:y@z"), "s3://bucket/prefix");
  EXPECT_EQ(redact_url("a\nb"), "a\\nb");
  EXPECT_EQ(origin_of_url("https://ann:secret@host:1/secret?secret"), "https://host:1");
  EXPECT_EQ(authority_of_url("http://HOST:80/x"), "host:80");
}

}  // namespace
}  // namespace tessera
