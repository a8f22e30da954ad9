// SPDX-License-Identifier: Apache-2.0
#include "node/scratch.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "base/error.hpp"

namespace tessera {
namespace {

namespace fs = std::filesystem;

constexpr const char* prefix = "tessera-node-";
constexpr const char* lock_name = "lock";
// For a folder without a lock: it was created by an earlier release, which may still be running.
constexpr std::chrono::hours unlocked_age{24};

[[noreturn]] void fail(const char* doing, const fs::path& path, int reason) {
  throw Error(ErrorCode::io,
              fmt::format("Cannot {} the scratch folder '{}': {}. Choose another with --scratch.", doing,
                          path.string(), std::strerror(reason)));
}

/// Removes the folder while holding its lock, if no process holds it.
bool remove_if_abandoned(const fs::path& folder) {
  struct stat status {};
  if (::lstat(folder.c_str(), &status) != 0 || !S_ISDIR(status.st_mode) || status.st_uid != ::geteuid()) {
    return false;
  }
  std::error_code failure;
  const int lock = ::open((folder / lock_name).c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (lock < 0) {
    const bool abandoned = errno == ENOENT && fs::last_write_time(folder, failure) <
                                                  fs::file_time_type::clock::now() - unlocked_age;
    return abandoned && !failure && fs::remove_all(folder, failure) > 0;
  }
  const bool abandoned = ::flock(lock, LOCK_EX | LOCK_NB) == 0;
  if (abandoned) {
    fs::remove_all(folder, failure);
  }
  ::close(lock);
  return abandoned;
}

void sweep(const fs::path& place) {
  std::error_code failure;
  for (fs::directory_iterator next(place, failure), end; !failure && next != end; next.increment(failure)) {
    if (next->path().filename().string().starts_with(prefix)) {
      remove_if_abandoned(next->path());
    }
  }
}

}  // namespace

ScratchFolder::ScratchFolder(const fs::path& place) {
  sweep(place);
  while (!make(place)) {
  }
}

/// Returns false if another process removed the new folder as abandoned before it was locked.
bool ScratchFolder::make(const fs::path& place) {
  std::string folder = (place / (std::string(prefix) + "XXXXXX")).string();
  if (::mkdtemp(folder.data()) == nullptr) {
    fail("make", folder, errno);
  }
  path_ = folder;
  const fs::path file = path_ / lock_name;
  lock_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_ < 0 || ::flock(lock_, LOCK_EX) != 0) {
    fail("lock", path_, errno);
  }
  struct stat own {};
  struct stat there {};
  if (::fstat(lock_, &own) == 0 && ::stat(file.c_str(), &there) == 0 && own.st_ino == there.st_ino) {
    return true;
  }
  ::close(lock_);
  return false;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;  // the next node removes it
  fs::remove_all(path_, ignored);
  ::close(lock_);
}

}  // namespace tessera
