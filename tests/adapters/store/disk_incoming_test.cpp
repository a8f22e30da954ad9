// SPDX-License-Identifier: Apache-2.0
// Files under way in a local folder: those of a process that was killed are removed at the next opening,
// those of a living one are not.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <future>

#include "adapters/disk/object_store.hpp"
#include "servers/server_process.hpp"

namespace tessera {
namespace {

namespace fs = std::filesystem;

/// Gives a byte, says so, and gives the end when it is let go.
class HeldSource final : public ByteSource {
 public:
  std::size_t read(std::span<std::byte> out) override {
    if (!begun_) {
      begun_ = true;
      out[0] = std::byte{1};
      return 1;
    }
    waiting.set_value();
    go_on.get_future().wait();
    return 0;
  }
  [[nodiscard]] std::optional<std::int64_t> size() const override { return std::nullopt; }
  std::promise<void> waiting;
  std::promise<void> go_on;

 private:
  bool begun_ = false;
};

std::ptrdiff_t files_in(const fs::path& folder) {
  return std::distance(fs::directory_iterator(folder), fs::directory_iterator());
}

TEST(DiskIncoming, OfAKilledProcessIsRemovedAndOfALivingOneIsNot) {
  const testing::ServerFolder folder;
  const fs::path incoming = folder.path() / "incoming";
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    HeldSource source;
    auto putting = std::async(std::launch::async, [&] {
      open_disk_object_store(folder.path(), {})->put("theirs", source, "image/png");
    });
    source.waiting.get_future().wait();
    static_cast<void>(::write(ends[1], "!", 1));
    for (;;) {
      ::pause();
    }
  }
  ::close(ends[1]);
  char byte = 0;
  ASSERT_EQ(::read(ends[0], &byte, 1), 1);
  ::close(ends[0]);
  const auto store = open_disk_object_store(folder.path(), {});
  HeldSource source;
  auto putting = std::async(std::launch::async, [&] { store->put("ours", source, "image/png"); });
  source.waiting.get_future().wait();
  EXPECT_EQ(files_in(incoming), 2) << "both are alive";
  static_cast<void>(open_disk_object_store(folder.path(), {}));
  EXPECT_EQ(files_in(incoming), 2) << "both are alive";
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  static_cast<void>(open_disk_object_store(folder.path(), {}));
  EXPECT_EQ(files_in(incoming), 1);
  source.go_on.set_value();
  putting.get();
  EXPECT_EQ(files_in(incoming), 0);
  EXPECT_EQ(store->stat("ours").value().size_bytes, 1);
  EXPECT_FALSE(store->stat("theirs"));
}

TEST(DiskIncoming, OfAnEarlierReleaseIsRemovedAfterADay) {
  const testing::ServerFolder folder;
  static_cast<void>(open_disk_object_store(folder.path(), {}));
  const fs::path file = folder.path() / "incoming/put_00000000000000000000000000";
  std::ofstream(file) << "half";
  static_cast<void>(open_disk_object_store(folder.path(), {}));
  EXPECT_TRUE(fs::exists(file));
  fs::last_write_time(file, fs::file_time_type::clock::now() - std::chrono::hours(25));
  static_cast<void>(open_disk_object_store(folder.path(), {}));
  EXPECT_FALSE(fs::exists(file));
}

}  // namespace
}  // namespace tessera
