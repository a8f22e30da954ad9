// SPDX-License-Identifier: Apache-2.0
// The sandbox, tried by a program that breaks every rule of it.
#include "ranks/sandbox.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>

#include "base/file_descriptor.hpp"
#include "servers/server_process.hpp"

namespace tessera {
namespace {

/// Somebody to connect to.
class LoopbackListener {
 public:
  LoopbackListener() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in own{};
    own.sin_family = AF_INET;
    own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof own;
    if (::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&own), size) != 0 ||
        ::listen(socket_.get(), 8) != 0 ||
        ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&own), &size) != 0) {
      ADD_FAILURE() << "no listener";
    }
    port_ = ntohs(own.sin_port);
  }
  [[nodiscard]] int port() const { return port_; }

 private:
  FileDescriptor socket_;
  int port_ = 0;
};

class Sandbox : public ::testing::Test {
 protected:
  testing::ServerFolder folder;
  LoopbackListener listener;

  /// What the hostile decoder says: name to "ok" or "denied".
  std::map<std::string, std::string> attack(const std::string& mode, const std::string& kind) {
    const auto scratch = folder.path() / "scratch";
    std::filesystem::create_directories(scratch);
    const auto secret = folder.path() / "link-secret";
    std::ofstream(secret) << "0123456789";
    const std::string command = fmt::format("{} {} {} {} {} {}", TESSERA_HOSTILE_DECODER, mode, kind,
                                            scratch.string(), secret.string(), listener.port());
    std::map<std::string, std::string> said;
    FILE* const pipe = ::popen(command.c_str(), "re");
    std::array<char, 1024> line{};
    while (::fgets(line.data(), line.size(), pipe) != nullptr) {
      const std::string_view text(line.data());
      const std::size_t space = text.find(' ');
      said[std::string(text.substr(0, space))] = text.substr(space + 1, text.find('\n') - space - 1);
    }
    const int status = ::pclose(pipe);
    EXPECT_TRUE(WIFEXITED(status)) << status;
    return said;
  }
};

/// Where this kernel, or the container that this test runs in, has no such means.
std::string missing_in(const std::map<std::string, std::string>& said) {
  const auto found = said.find("missing");
  return found == said.end() ? "" : found->second;
}

TEST_F(Sandbox, DeniesEverythingThatDecodersDoNotNeed) {
  const auto said = attack("auto", "alone");
  if (const std::string missing = missing_in(said); !missing.empty()) {
    GTEST_SKIP() << "this system has " << missing;
  }
  EXPECT_EQ(said.size(), 34U);
  for (const auto& [name, outcome] : said) {
    EXPECT_EQ(outcome, name.starts_with("needed-") ? "ok" : "denied") << name;
  }
}

TEST_F(Sandbox, LeavesSocketsAndSharedMemoryToMpi) {
  const auto said = attack("auto", "mpi");
  if (const std::string missing = missing_in(said); !missing.empty()) {
    GTEST_SKIP() << "this system has " << missing;
  }
  for (const auto& [name, outcome] : said) {
    const bool allowed =
        name.starts_with("needed-") || name == "connect" || name == "datagrams" || name == "unix-socket";
    EXPECT_EQ(outcome, allowed ? "ok" : "denied") << name;
  }
}

TEST_F(Sandbox, IsWhatDeniesIt) {
  const auto said = attack("off", "alone");
  for (const char* name : {"read-secret",
                           "read-secret-by-root",
                           "read-secret-in-thread",
                           "write-secret",
                           "write-outside",
                           "list-outside",
                           "link-secret",
                           "symlink",
                           "chmod-secret",
                           "truncate-secret",
                           "connect",
                           "datagrams",
                           "unix-socket",
                           "fork",
                           "raw-fork",
                           "clone3",
                           "fork-bomb",
                           "signal-parent",
                           "pidfd-parent",
                           "parent-environment",
                           "exec"}) {
    EXPECT_EQ(said.contains(name) ? said.at(name) : "not tried", "ok") << name;
  }
}

TEST_F(Sandbox, LetsRanksHaveNoCredentials) {
  const std::map<std::string, std::string> given{
      {"AWS_SECRET_ACCESS_KEY", "a"}, {"TESSERA_QUEUE", "amqp://u:p@h"},
      {"TESSERA_LINK_SECRET", "b"},   {"PASSWORD", "c"},
      {"OMPI_MCA_test", "d"},         {"LC_TEST", "e"}};
  for (const auto& [name, value] : given) {
    ::setenv(name.c_str(), value.c_str(), 1);
  }
  const auto kept = environment_for_ranks();
  for (const auto& [name, value] : given) {
    const bool expected = name.starts_with("OMPI_") || name.starts_with("LC_");
    EXPECT_EQ(std::ranges::count(kept, name + "=" + value), expected ? 1 : 0) << name;
    ::unsetenv(name.c_str());
  }
  EXPECT_TRUE(std::ranges::any_of(kept, [](const std::string& entry) { return entry.starts_with("PATH="); }));
}

TEST(SandboxModes, HaveNames) {
  for (const SandboxMode mode : {SandboxMode::automatic, SandboxMode::require, SandboxMode::off}) {
    EXPECT_EQ(sandbox_mode_named(name_of(mode)), mode);
  }
  EXPECT_EQ(sandbox_mode_named("on"), std::nullopt);
}

}  // namespace
}  // namespace tessera
