// SPDX-License-Identifier: Apache-2.0
// A gateway whose servers take connections and do not answer.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "servers/raw_http.hpp"
#include "service/service_process.hpp"

namespace tessera::testing {
namespace {

/// Takes connections, as its system does for it, and never reads.
class SilentServer {
 public:
  SilentServer() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* const raw = reinterpret_cast<sockaddr*>(&address);
    if (::bind(socket_, raw, length) != 0 || ::listen(socket_, 1024) != 0 ||
        ::getsockname(socket_, raw, &length) != 0) {
      throw std::runtime_error("cannot listen");
    }
    port_ = ntohs(address.sin_port);
  }
  ~SilentServer() { ::close(socket_); }
  SilentServer(const SilentServer&) = delete;
  SilentServer& operator=(const SilentServer&) = delete;
  [[nodiscard]] int port() const { return port_; }

 private:
  int socket_;
  int port_ = 0;
};

TEST(StalledStore, LeavesHealthAndLightRoutesAnswering) {
  const SilentServer store;
  const ServerFolder folder;
  const int port = free_port();
  ServerProcess gateway(
      {TESSERA_PROGRAM, "gateway", "--state", "sqlite://" + (folder.path() / "state.db").string(), "--queue",
       "sqlite://" + (folder.path() / "queue.db").string(), "--store",
       fmt::format("s3://bucket?endpoint=http://127.0.0.1:{}&style=path", store.port()), "--listen",
       fmt::format("127.0.0.1:{}", port), "--open"},
      {{"AWS_ACCESS_KEY_ID", "key"}, {"AWS_SECRET_ACCESS_KEY", "secret"}}, folder.path() / "log");
  gateway.wait_until_ready(port);

  // More than there are workers, each of whom asks the store and gets no answer; and probes that give up.
  const std::string submission = R"({"object": "uploads/local/a", "pipeline": "invert"})";
  std::vector<std::unique_ptr<RawConnection>> waiting;
  for (int i = 0; i < 40; ++i) {
    waiting.push_back(std::make_unique<RawConnection>(port));
    waiting.back()->send(
        fmt::format("POST /v1/jobs HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Type: "
                    "application/json\r\nContent-Length: {}\r\n\r\n{}",
                    port, submission.size(), submission));
    RawConnection probe(port);
    probe.send(fmt::format("GET /readyz HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", port));
  }
  EXPECT_EQ(ask(port, "GET", "/healthz").status, 200);
  EXPECT_EQ(ask(port, "GET", "/v1/jobs").status, 200);
  EXPECT_EQ(ask(port, "GET", "/v1/operators").status, 200);
  std::string part;
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!part.starts_with("It has not responded for ") && std::chrono::steady_clock::now() < give_up) {
    Answer answer = ask(port, "GET", "/readyz");
    EXPECT_EQ(answer.status, 503);
    EXPECT_EQ(answer.headers["retry-after"], "5");
    EXPECT_EQ(answer.body.find(std::to_string(store.port())), std::string::npos) << answer.body;
    part = Json::parse(answer.body).at("parts").at("store");
  }
  EXPECT_TRUE(part.starts_with("It has not responded for ")) << part;
  EXPECT_EQ(Json::parse(ask(port, "GET", "/readyz").body).at("parts").at("state"), "ready");

  // The workers still wait for the store, each for a minute: they are not waited for.
  ::kill(gateway.pid(), SIGTERM);
  const auto longest = std::chrono::steady_clock::now() + std::chrono::seconds(40);
  while (gateway.running() && std::chrono::steady_clock::now() < longest) {
    ::usleep(50'000);
  }
  EXPECT_FALSE(gateway.running());
}

}  // namespace
}  // namespace tessera::testing
