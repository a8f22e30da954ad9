// SPDX-License-Identifier: Apache-2.0
#include "node/health.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "ports/bytes_io.hpp"

namespace tessera {
namespace {

using std::chrono::steady_clock;

// Counting descriptors takes longer the more are open.
constexpr std::chrono::milliseconds check_interval{100};
constexpr std::size_t test_file_bytes = std::size_t{64} << 10;

[[noreturn]] void fail(const std::string& doing, const std::filesystem::path& path, int reason) {
  throw Error(ErrorCode::io, fmt::format("Cannot {} '{}': {}.", doing, path.string(), std::strerror(reason)));
}

/// Number of open descriptors of this process; nothing if it cannot be determined.
std::optional<std::int64_t> open_descriptors() {
  std::error_code failure;
  std::int64_t count = 0;
  for (std::filesystem::directory_iterator next("/proc/self/fd", failure), end; !failure && next != end;
       next.increment(failure)) {
    ++count;
  }
  return failure ? std::nullopt : std::optional(count);
}

}  // namespace

NodeHealth::NodeHealth(HealthOptions options, std::filesystem::path scratch,
                       std::function<void()> check_servers)
    : options_(options), scratch_(std::move(scratch)), check_servers_(std::move(check_servers)) {}

void NodeHealth::start_pause(Time now) {
  constexpr int max_doublings = 20;
  needs_check_ = true;
  if (now >= until_) {  // jobs that fail together cause one pause
    until_ =
        now + std::min(options_.max_pause, options_.first_pause * (1 << std::min(pauses_, max_doublings)));
    ++pauses_;
  }
}

void NodeHealth::failed(FailureOrigin origin, const std::string& reason) {
  const std::lock_guard lock(mutex_);
  start_pause(steady_clock::now());
  failures_ += origin == FailureOrigin::machine ? 1 : 0;
  if (origin == FailureOrigin::server || failures_ >= options_.failures_in_a_row) {
    problem_ = reason;
  }
}

void NodeHealth::succeeded() {
  const std::lock_guard lock(mutex_);
  ++successes_;
  failures_ = 0;
  pauses_ = 0;
}

bool NodeHealth::may_receive() {
  bool needs_check = false;
  {
    const std::lock_guard lock(mutex_);
    if (steady_clock::now() < until_) {
      return false;
    }
    needs_check = needs_check_;
    if (!needs_check && steady_clock::now() < checked_ + check_interval) {
      return true;
    }
  }
  std::string reason;
  try {
    if (needs_check) {
      check_machine();
      check_servers_();
    } else {
      check_room();
    }
  } catch (const std::exception& error) {
    reason = error.what();
  }
  const std::lock_guard lock(mutex_);
  problem_ = reason;
  checked_ = steady_clock::now();
  if (!reason.empty()) {
    start_pause(steady_clock::now());
    return false;
  }
  needs_check_ = needs_check_ && steady_clock::now() < until_;  // unless another job has failed meanwhile
  return !needs_check_;
}

std::string NodeHealth::problem() const {
  const std::lock_guard lock(mutex_);
  return problem_;
}

std::int64_t NodeHealth::successes() const {
  const std::lock_guard lock(mutex_);
  return successes_;
}

void NodeHealth::check_room() const {
  struct statvfs volume {};
  if (::statvfs(scratch_.c_str(), &volume) != 0) {
    fail("use the scratch folder", scratch_, errno);
  }
  const auto free_bytes =
      static_cast<std::int64_t>(volume.f_bavail) * static_cast<std::int64_t>(volume.f_frsize);
  if (free_bytes < options_.min_free_bytes) {
    throw Error(
        ErrorCode::io,
        fmt::format("The scratch folder '{}' has {} bytes free; a node accepts jobs from {} on: make room "
                    "there, or choose another folder with --scratch.",
                    scratch_.string(), free_bytes, options_.min_free_bytes));
  }
  if (volume.f_files > 0 && volume.f_favail == 0) {
    throw Error(ErrorCode::io, fmt::format("The volume of the scratch folder '{}' has no inodes left: "
                                           "remove files, or choose another folder with --scratch.",
                                           scratch_.string()));
  }
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const auto open = open_descriptors();
  if (!open || (limit.rlim_cur != RLIM_INFINITY &&
                *open + options_.min_free_descriptors > static_cast<std::int64_t>(limit.rlim_cur))) {
    throw Error(
        ErrorCode::io,
        fmt::format("This process may open {} files and has {} open; a node accepts jobs while {} are "
                    "left: raise the limit (ulimit -n, LimitNOFILE).",
                    limit.rlim_cur, open ? std::to_string(*open) : "too many",
                    options_.min_free_descriptors));
  }
}

void NodeHealth::check_machine() const {
  check_room();
  const std::filesystem::path file = scratch_ / "trial";
  const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    fail("make the file", file, errno);
  }
  const std::array<std::byte, test_file_bytes> zeros{};
  const bool written = write_all(descriptor, zeros) && ::fsync(descriptor) == 0;
  const int reason = errno;
  ::close(descriptor);
  ::unlink(file.c_str());
  if (!written) {
    fail("write the file", file, reason);
  }
}

}  // namespace tessera
