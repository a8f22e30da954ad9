// SPDX-License-Identifier: Apache-2.0
#include "adapters/sqlite/consumer_liveness_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.hpp"

namespace tessera {
namespace {

[[noreturn]] void fail(const char* what, const std::filesystem::path& path) {
  throw Error(ErrorCode::io, fmt::format("Cannot {} '{}': {}.", what, path.string(), std::strerror(errno)));
}

struct flock byte(std::int64_t id) {
  struct flock range {};
  range.l_type = F_WRLCK;
  range.l_whence = SEEK_SET;
  range.l_start = id;
  range.l_len = 1;
  return range;
}

}  // namespace

ConsumerLivenessLock::ConsumerLivenessLock(const std::filesystem::path& path)
    : path_(path), descriptor_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
  if (descriptor_ < 0) {
    fail("open", path_);
  }
}

ConsumerLivenessLock::~ConsumerLivenessLock() { ::close(descriptor_); }

void ConsumerLivenessLock::hold(std::int64_t id) {
  struct flock range = byte(id);
  if (::fcntl(descriptor_, F_OFD_SETLK, &range) != 0) {
    fail("lock a byte of", path_);
  }
}

bool ConsumerLivenessLock::held_by_another(std::int64_t id) const {
  struct flock range = byte(id);
  if (::fcntl(descriptor_, F_OFD_GETLK, &range) != 0) {
    fail("read the locks of", path_);
  }
  return range.l_type != F_UNLCK;
}

}  // namespace tessera
