// SPDX-License-Identifier: Apache-2.0
// What has the name of an output already decides how it is written.
#include "codec/io/atomic_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <thread>

#include "base/error.hpp"

namespace tessera::testing {
namespace {

namespace fs = std::filesystem;

class Output : public ::testing::Test {
 protected:
  Output() {
    std::string name = (fs::temp_directory_path() / "tessera-output-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~Output() override { fs::remove_all(folder_); }

  static void write(const fs::path& target, const std::string& text) {
    AtomicFile file(target);
    file.write(std::as_bytes(std::span(text)));
    EXPECT_EQ(file.committed_bytes(), 0);
    file.commit();
    EXPECT_EQ(file.committed_bytes(), static_cast<std::int64_t>(text.size()));
  }
  static std::string content(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static std::string read_to_end(int descriptor) {
    std::string text;
    std::array<char, 4096> buffer{};
    ssize_t count = 0;
    while ((count = ::read(descriptor, buffer.data(), buffer.size())) > 0) {
      text.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return text;
  }
  static mode_t mode_of(const fs::path& file) {
    struct stat status {};
    EXPECT_EQ(lstat(file.c_str(), &status), 0);
    return status.st_mode;
  }
  static std::string refusal(const fs::path& target) {
    try {
      write(target, "x");
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::io);
      return error.what();
    }
    return "nothing was refused";
  }
  [[nodiscard]] std::ptrdiff_t files() const {
    return std::distance(fs::directory_iterator(folder_), fs::directory_iterator());
  }

  fs::path folder_;
};

TEST_F(Output, ADeviceStaysADevice) {
  const fs::path device = folder_ / "null";
  if (mknod(device.c_str(), S_IFCHR | 0666, makedev(1, 3)) != 0) {
    GTEST_SKIP() << "making a device node is not allowed here: " << std::strerror(errno);
  }
  if (const int probe = open(device.c_str(), O_WRONLY | O_CLOEXEC); probe >= 0) {
    close(probe);
  } else {
    GTEST_SKIP() << "devices cannot be opened in this file system: " << std::strerror(errno);
  }
  write(device, "bytes");
  fs::create_symlink("null", folder_ / "link");
  write(folder_ / "link", "bytes");
  EXPECT_TRUE(S_ISCHR(mode_of(device)));
  EXPECT_TRUE(S_ISLNK(mode_of(folder_ / "link")));
  EXPECT_EQ(files(), 2);
}

TEST_F(Output, AFullDeviceIsSaid) { EXPECT_NE(refusal("/dev/full").find("/dev/full"), std::string::npos); }

TEST_F(Output, TheReaderOfAFifoGetsTheBytes) {
  const fs::path fifo = folder_ / "fifo.png";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  // More than a pipe holds.
  const std::string text(300'000, 'x');
  std::string got;
  std::thread reader([&] {
    const int descriptor = open(fifo.c_str(), O_RDONLY | O_CLOEXEC);
    got = read_to_end(descriptor);
    close(descriptor);
  });
  write(fifo, text);
  reader.join();
  EXPECT_TRUE(got == text);
  EXPECT_TRUE(S_ISFIFO(mode_of(fifo)));
  EXPECT_EQ(files(), 1);
}

TEST_F(Output, TheReaderOfAFifoSeesTheEndOfAFailure) {
  const fs::path fifo = folder_ / "fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  std::string got = "not read";
  std::thread reader([&] {
    const int descriptor = open(fifo.c_str(), O_RDONLY | O_CLOEXEC);
    got = read_to_end(descriptor);
    close(descriptor);
  });
  {
    AtomicFile abandoned(fifo);
    abandoned.write(std::as_bytes(std::span("half", 4)));
  }
  reader.join();
  EXPECT_EQ(got, "");
}

TEST_F(Output, ASocketGetsTheBytes) {
  const fs::path socket_file = folder_ / "socket";
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, socket_file.c_str(), sizeof address.sun_path - 1);
  ASSERT_EQ(bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(listen(listener, 1), 0);
  write(socket_file, "bytes");
  const int connection = accept(listener, nullptr, nullptr);
  EXPECT_EQ(read_to_end(connection), "bytes");
  close(connection);
  close(listener);
  EXPECT_TRUE(S_ISSOCK(mode_of(socket_file)));
}

TEST_F(Output, AnOpenFileIsWrittenAtItsPlace) {
  const fs::path log = folder_ / "log";
  const int descriptor = open(log.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  ASSERT_EQ(::write(descriptor, "before ", 7), 7);
  fs::create_symlink(fmt::format("/proc/self/fd/{}", descriptor), folder_ / "stdout");
  write(folder_ / "stdout", "bytes");
  write(fmt::format("/dev/fd/{}", descriptor), " and more");
  EXPECT_EQ(content(log), "before bytes and more");
  EXPECT_TRUE(S_ISLNK(mode_of(folder_ / "stdout")));
  close(descriptor);
}

TEST_F(Output, LinksAreFollowed) {
  fs::create_directory(folder_ / "real");
  std::ofstream(folder_ / "real" / "target") << "old";
  fs::create_symlink("real/target", folder_ / "link");
  fs::create_symlink("link", folder_ / "link to a link");
  write(folder_ / "link to a link", "new");
  EXPECT_TRUE(S_ISLNK(mode_of(folder_ / "link")));
  EXPECT_TRUE(S_ISLNK(mode_of(folder_ / "link to a link")));
  EXPECT_EQ(content(folder_ / "real" / "target"), "new");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_ / "real"), fs::directory_iterator()), 1);
}

TEST_F(Output, ALinkToNothingMakesItsTarget) {
  fs::create_directory(folder_ / "real");
  fs::create_symlink("real/new", folder_ / "link");
  fs::create_symlink("missing/new", folder_ / "far");
  write(folder_ / "link", "new");
  EXPECT_TRUE(S_ISLNK(mode_of(folder_ / "link")));
  EXPECT_EQ(content(folder_ / "real" / "new"), "new");
  EXPECT_NE(refusal(folder_ / "far").find("missing' does not exist"), std::string::npos);
}

TEST_F(Output, LinksInACircleAndFoldersAreRefused) {
  fs::create_symlink("b", folder_ / "a");
  fs::create_symlink("a", folder_ / "b");
  fs::create_symlink(".", folder_ / "folder");
  EXPECT_NE(refusal(folder_ / "a").find("circle"), std::string::npos);
  EXPECT_NE(refusal(folder_ / "folder").find("it is a folder"), std::string::npos);
}

TEST_F(Output, ALinkOfAnotherUserInAFolderForAllIsRefused) {
  const fs::path shared = folder_ / "shared";
  fs::create_directory(shared);
  ASSERT_EQ(chmod(shared.c_str(), 01777), 0);
  fs::create_symlink("../victim", shared / "link");
  if (lchown((shared / "link").c_str(), 65534, 65534) != 0) {
    GTEST_SKIP() << "giving a link to another user takes root: " << std::strerror(errno);
  }
  EXPECT_NE(refusal(shared / "link").find("another user"), std::string::npos);
  EXPECT_FALSE(fs::exists(folder_ / "victim"));
}

TEST_F(Output, AReplacedFilePassesOnItsMode) {
  const fs::path file = folder_ / "file";
  std::ofstream(file) << "old";
  for (const mode_t mode : {0600U, 0640U, 0755U, 0444U}) {
    ASSERT_EQ(chmod(file.c_str(), mode), 0);
    write(file, "new");
    EXPECT_EQ(mode_of(file) & 07777U, mode);
  }
  const mode_t mask = umask(027);
  write(folder_ / "fresh", "new");
  umask(mask);
  EXPECT_EQ(mode_of(folder_ / "fresh") & 07777U, 0640U);
}

TEST_F(Output, AReplacedFilePassesOnItsOwner) {
  const fs::path file = folder_ / "file";
  std::ofstream(file) << "old";
  if (chown(file.c_str(), 65534, 65534) != 0) {
    GTEST_SKIP() << "giving a file to another user takes root: " << std::strerror(errno);
  }
  write(file, "new");
  struct stat status {};
  ASSERT_EQ(stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, 65534U);
  EXPECT_EQ(status.st_gid, 65534U);
}

TEST_F(Output, AReplacedFilePassesOnItsExtendedAttributes) {
  const fs::path file = folder_ / "file";
  std::ofstream(file) << "old";
  if (setxattr(file.c_str(), "user.rating", "5", 1, 0) != 0) {
    GTEST_SKIP() << "this file system has no extended attributes: " << std::strerror(errno);
  }
  write(file, "new");
  std::array<char, 8> value{};
  EXPECT_EQ(getxattr(file.c_str(), "user.rating", value.data(), value.size()), 1);
  EXPECT_EQ(value[0], '5');
}

}  // namespace
}  // namespace tessera::testing
