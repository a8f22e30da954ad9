// SPDX-License-Identifier: Apache-2.0
// The address at which a node waits for its ranks: unauthenticated connections, and misbehaving ranks.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <atomic>
#include <condition_variable>
#include <fstream>
#include <functional>
#include <mutex>

#include "node/rank_group.hpp"
#include "servers/server_process.hpp"

namespace tessera {
namespace {

using namespace std::chrono_literals;

class RankAddress : public ::testing::Test {
 protected:
  testing::ServerFolder folder;
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> said;

  RankGroupOptions options(const char* program) {
    RankGroupOptions result;
    result.program = program;
    result.threads = 1;
    result.scratch = folder.path();
    result.first_pause = 10ms;
    result.log = [this](const std::string& sentence) {
      const std::lock_guard lock(mutex);
      said.push_back(sentence);
      changed.notify_all();
    };
    return result;
  }
  /// Waits for a sentence of the log that holds `part`.
  bool hears(const std::string& part) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, 60s, [&] {
      return std::ranges::any_of(said,
                                 [&](const std::string& s) { return s.find(part) != std::string::npos; });
    });
  }
  RankOutcome run(RankGroup& group) {
    RankTask task;
    task.input = folder.path() / "in.ppm";
    task.output = folder.path() / "out.png";
    task.name = "in.ppm";
    task.pipeline = Json::parse(R"([{"name": "invert"}])");
    std::ofstream(task.input) << "P3 2 1 255 0 0 0 9 9 9";
    return group.run(
        task, Placement::one_rank, {}, [](const std::vector<int>&) {}, [](double, const std::string&) {});
  }
};

/// An unauthenticated connection.
class Visitor {
 public:
  explicit Visitor(const std::string& address) : socket_(connect_to(address)) {}
  void say(std::string_view text) {
    while (!text.empty()) {
      const ssize_t count = ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (count <= 0) {
        return;  // closed by the other end
      }
      text.remove_prefix(static_cast<std::size_t>(count));
    }
  }
  /// Waits until the other end closes; false if it says something.
  bool is_closed() {
    char byte = 0;
    return ::recv(socket_.get(), &byte, 1, 0) <= 0;
  }

 private:
  FileDescriptor socket_;
};

/// Where the group listens, as its rank was told.
std::string address_of(const RankGroup& group) {
  const std::string location = group.state().front().location;
  const std::string environment =
      testing::read_file(fmt::format("/proc/{}/environ", location.substr(location.rfind(':') + 1)));
  const std::string start = fmt::format("{}=", worker_address_variable);
  const std::size_t at = environment.find(start) + start.size();
  return environment.substr(at, environment.find('\0', at) - at);
}

TEST_F(RankAddress, IgnoresUnauthenticatedConnections) {
  RankGroupOptions tcp = options(TESSERA_PROGRAM);
  tcp.hostfile = "of one rank, so not read";
  tcp.address = "127.0.0.1";
  RankGroup group(tcp);
  ASSERT_EQ(run(group).end, RankOutcome::End::done);
  const std::string address = address_of(group);
  ASSERT_TRUE(address.starts_with("tcp:127.0.0.1:")) << address;
  std::int64_t refused = 0;
  for (const std::string& text :
       {std::string("{\"tell\": 1}\n"), std::string("{\"message\": 1}\n"), std::string("\n"),
        std::string("{\n"), std::string("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), std::string(100 << 20, 'x'),
        std::string(5000, '['), std::string("{\"message\":\"alive\",\"memory_bytes\":1}\n"),
        std::string("{\"message\":\"hello\",\"rank\":0,\"ranks\":1,\"location\":\"x:2\",\"pid\":2,\"secret\":"
                    "\"guess\","
                    "\"unconfined\":[],\"shares_files\":true}\n")}) {
    Visitor visitor(address);
    visitor.say(text);
    EXPECT_TRUE(visitor.is_closed()) << text.substr(0, 100);
    ++refused;
  }
  EXPECT_EQ(group.refused_connections(), refused);
  EXPECT_TRUE(hears("were refused"));
  EXPECT_EQ(run(group).end, RankOutcome::End::done);
  EXPECT_EQ(group.restarts(), 0);
}

TEST_F(RankAddress, LimitsAndClosesSilentConnections) {
  RankGroupOptions tcp = options(TESSERA_PROGRAM);
  tcp.hostfile = "of one rank, so not read";
  tcp.address = "127.0.0.1";
  RankGroup group(tcp);
  ASSERT_EQ(run(group).end, RankOutcome::End::done);
  const std::string address = address_of(group);
  std::vector<std::unique_ptr<Visitor>> silent;
  for (int i = 0; i < 100; ++i) {
    silent.push_back(std::make_unique<Visitor>(address));
  }
  EXPECT_EQ(run(group).end, RankOutcome::End::done);
  for (const auto& visitor : silent) {
    EXPECT_TRUE(visitor->is_closed());
  }
  EXPECT_EQ(group.refused_connections(), 100);
  EXPECT_EQ(group.restarts(), 0);
}

/// Stands for more bytes than a message may have: test names print what they are given.
const std::string line_without_end = "a line without end";

class RogueRank : public RankAddress, public ::testing::WithParamInterface<std::string> {};

TEST_P(RogueRank, EndsItsGroupAndNeverTheNode) {
  const std::string said_by_rank = GetParam() == line_without_end ? std::string(65 << 20, 'x') : GetParam();
  std::ofstream(folder.path() / "say", std::ios::binary) << said_by_rank;
  RankGroup group(options(TESSERA_ROGUE_RANK));
  EXPECT_TRUE(hears("The ranks ended and will be restarted"));
  const std::lock_guard lock(mutex);
  EXPECT_TRUE(std::ranges::any_of(said, [](const std::string& sentence) {
    return sentence.find("Rank 0 was stopped.") != std::string::npos;
  })) << said.back();
}

INSTANTIATE_TEST_SUITE_P(
    Says, RogueRank,
    ::testing::Values(
        "{\"tell\": 1}\n", "{\"message\": 1}\n", "null\n", "\xff\n",
        "{\"message\":\"done\",\"ticket\":\"x\"}\n",
        "{\"message\":\"failed\",\"ticket\":1,\"code\":\"io\",\"sentence\":\"\"}\n",
        "{\"message\":\"alive\",\"memory_bytes\":-1}\n",
        "{\"message\":\"hello\",\"rank\":0,\"ranks\":1,\"location\":\"x:2\",\"pid\":2,\"secret\":\"x\","
        "\"unconfined\":[],\"shares_files\":true}\n",
        std::string(65 << 20, 'x')));

}  // namespace
}  // namespace tessera
