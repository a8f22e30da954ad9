// SPDX-License-Identifier: Apache-2.0
// Scratch folders: private, gone in the end, and swept when their process was killed.
#include "node/scratch.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "base/error.hpp"
#include "servers/server_process.hpp"

namespace tessera {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> folders_in(const fs::path& place) {
  return {fs::directory_iterator(place), fs::directory_iterator()};
}

TEST(Scratch, IsPrivateAndRemovedAtTheEnd) {
  const testing::ServerFolder place;
  {
    const ScratchFolder scratch(place.path());
    struct stat status {};
    ASSERT_EQ(::stat(scratch.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0700U);
    std::ofstream(scratch.path() / "image.in") << "bytes";
  }
  EXPECT_TRUE(folders_in(place.path()).empty());
}

TEST(Scratch, OfAKilledProcessIsRemovedAndOfALiveOneIsNot) {
  const testing::ServerFolder place;
  const ScratchFolder living(place.path());
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const ScratchFolder scratch(place.path());
    std::ofstream(scratch.path() / "image.in") << "bytes";
    static_cast<void>(::write(ends[1], "!", 1));
    for (;;) {
      ::pause();
    }
  }
  ::close(ends[1]);
  char byte = 0;
  ASSERT_EQ(::read(ends[0], &byte, 1), 1);
  ::close(ends[0]);
  EXPECT_EQ(folders_in(place.path()).size(), 2U);
  { const ScratchFolder other(place.path()); }
  EXPECT_EQ(folders_in(place.path()).size(), 2U) << "both are alive";
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  { const ScratchFolder other(place.path()); }
  EXPECT_EQ(folders_in(place.path()), std::vector{living.path()});
}

TEST(Scratch, KeepsForeignFolders) {
  const testing::ServerFolder place;
  // Folders of an earlier release, which had no lock, and of another user.
  fs::create_directory(place.path() / "tessera-node-abcdef");
  fs::create_directory(place.path() / "holiday");
  fs::create_directory_symlink(place.path() / "holiday", place.path() / "tessera-node-linked");
  { const ScratchFolder scratch(place.path()); }
  EXPECT_EQ(folders_in(place.path()).size(), 3U);
  fs::last_write_time(place.path() / "tessera-node-abcdef",
                      fs::file_time_type::clock::now() - std::chrono::hours(25));
  { const ScratchFolder scratch(place.path()); }
  EXPECT_EQ(folders_in(place.path()).size(), 2U);
}

TEST(Scratch, ReportsWhyItCannotBeCreated) {
  try {
    const ScratchFolder scratch("/no/such/place");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::io);
    EXPECT_NE(std::string_view(error.what()).find("/no/such/place"), std::string_view::npos) << error.what();
  }
}

}  // namespace
}  // namespace tessera
