// SPDX-License-Identifier: Apache-2.0
// A process that is started: nothing of this one's that it should not have.
#include "ranks/child.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <string>

#include "base/file_descriptor.hpp"

namespace tessera {
namespace {

std::string output_of(const std::vector<std::string>& command) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe(ends.data()), 0);
  const FileDescriptor read_end(ends[0]);
  FileDescriptor write_end(ends[1]);
  const StartedChild child = start_child(command, {"PATH=/usr/bin:/bin"}, {.out = write_end.get()});
  write_end.reset();
  EXPECT_EQ(child.failure, 0);
  std::string text;
  std::array<char, 4096> buffer{};
  ssize_t count = 0;
  while ((count = ::read(read_end.get(), buffer.data(), buffer.size())) > 0) {
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  ::waitpid(child.pid, nullptr, 0);
  return text;
}

TEST(Child, IgnoresNoSignalThatThisProcessIgnores) {
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  const std::string status = output_of({"cat", "/proc/self/status"});
  std::signal(SIGPIPE, before);
  EXPECT_NE(status.find("SigIgn:\t0000000000000000"), std::string::npos) << status;
  EXPECT_NE(status.find("SigBlk:\t0000000000000000"), std::string::npos) << status;
}

TEST(Child, HasNoOtherOpenFiles) {
  const FileDescriptor open(::dup(STDERR_FILENO));
  // The listing itself has one more.
  EXPECT_EQ(output_of({"sh", "-c", "ls /proc/$$/fd"}), "0\n1\n2\n");
}

TEST(Child, SaysWhyItCannotBeStarted) {
  const StartedChild child = start_child({"/nowhere/nothing"}, {}, {});
  EXPECT_EQ(child.failure, ENOENT);
  ::waitpid(child.pid, nullptr, 0);
}

}  // namespace
}  // namespace tessera
