// SPDX-License-Identifier: Apache-2.0
#include "codec/io/output_target.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/error.hpp"

namespace tessera {
namespace {

namespace fs = std::filesystem;

/// As many as Linux follows.
constexpr int max_links = 40;

std::string message_of(int number) { return std::generic_category().message(number); }

[[noreturn]] void fail(const fs::path& name, const std::string& what) {
  throw Error(ErrorCode::io, fmt::format("Cannot write '{}': {}.", name.string(), what), name.string());
}

fs::path folder_of(const fs::path& file) {
  const fs::path folder = file.parent_path();
  return folder.empty() ? fs::path(".") : folder;
}

bool is_in_proc(const fs::path& folder) {
  struct statfs system {};
  return ::statfs(folder.c_str(), &system) == 0 && system.f_type == PROC_SUPER_MAGIC;
}

void check_owner_of_link(const fs::path& name, const fs::path& link, const struct stat& of_link) {
  struct stat folder {};
  constexpr mode_t open_to_all = S_ISVTX | S_IWOTH;
  if (::stat(folder_of(link).c_str(), &folder) == 0 && (folder.st_mode & open_to_all) == open_to_all &&
      of_link.st_uid != ::geteuid() && of_link.st_uid != folder.st_uid) {
    fail(name, fmt::format("the link '{}' belongs to another user, in a folder where everyone may write",
                           link.string()));
  }
}

/// `name` with the links at its end followed, except those of /proc, which stand for open files.
fs::path follow_links(const fs::path& name) {
  fs::path at = name;
  for (int links = 0; links <= max_links; ++links) {
    struct stat status {};
    if (::lstat(at.c_str(), &status) != 0 || !S_ISLNK(status.st_mode) || is_in_proc(folder_of(at))) {
      return at;
    }
    check_owner_of_link(name, at, status);
    std::error_code failure;
    const fs::path next = fs::read_symlink(at, failure);
    if (failure) {
      fail(name, fmt::format("the link '{}' cannot be followed: {}", at.string(), failure.message()));
    }
    at = next.is_absolute() ? next : folder_of(at) / next;
  }
  fail(name, "its symbolic links lead in a circle");
}

/// The descriptor of this process that a link in /proc stands for.
std::optional<int> own_descriptor(const fs::path& path) {
  std::error_code failure;
  const fs::path folder = fs::canonical(folder_of(path), failure);
  if (failure || folder.filename() != "fd" || !is_in_proc(folder)) {
    return std::nullopt;
  }
  // /proc/PID/fd, or the same of a thread: /proc/PID/task/TID/fd.
  const auto own = fs::path("/proc") / std::to_string(::getpid());
  if (!folder.string().starts_with(own.string() + "/")) {
    return std::nullopt;
  }
  const std::string number = path.filename().string();
  int descriptor = -1;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), descriptor);
  return error == std::errc() && end == number.data() + number.size() ? std::optional(descriptor)
                                                                      : std::nullopt;
}

bool is_descriptor(const fs::path& name, int descriptor) {
  try {
    const fs::path path = follow_links(name);
    return own_descriptor(path) == descriptor;
  } catch (const Error&) {
    return false;  // who opens it will say what is wrong
  }
}

int connect_to_socket(const fs::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = path.string();
  if (name.size() >= sizeof address.sun_path) {
    fail(path, fmt::format("the name of a socket may have at most {} bytes", sizeof address.sun_path - 1));
  }
  std::memcpy(address.sun_path, name.data(), name.size());
  const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0 ||
      ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const int reason = errno;
    if (descriptor >= 0) {
      ::close(descriptor);
    }
    fail(path, fmt::format("connecting to that socket failed ({})", message_of(reason)));
  }
  return descriptor;
}

void copy_extended_attributes(const fs::path& old, int descriptor) {
  const ssize_t size = ::listxattr(old.c_str(), nullptr, 0);
  if (size <= 0) {
    return;
  }
  std::string names(static_cast<std::size_t>(size), '\0');
  const ssize_t listed = ::listxattr(old.c_str(), names.data(), names.size());
  for (ssize_t at = 0; at < listed;) {
    const char* const name = names.data() + at;
    at += static_cast<ssize_t>(std::strlen(name)) + 1;
    const ssize_t value_size = ::getxattr(old.c_str(), name, nullptr, 0);
    if (value_size < 0) {
      continue;
    }
    std::vector<char> value(static_cast<std::size_t>(value_size));
    const ssize_t got = ::getxattr(old.c_str(), name, value.data(), value.size());
    if (got >= 0) {
      // Some are the system's own and not for everyone to set.
      static_cast<void>(::fsetxattr(descriptor, name, value.data(), static_cast<std::size_t>(got), 0));
    }
  }
}

}  // namespace

OutputTarget find_output_target(const fs::path& name) {
  OutputTarget target{OutputKind::none, follow_links(name)};
  struct stat status {};
  if (::stat(target.path.c_str(), &status) != 0) {
    return target;
  }
  struct stat unfollowed {};
  const bool open_file = ::lstat(target.path.c_str(), &unfollowed) == 0 && S_ISLNK(unfollowed.st_mode);
  if (S_ISDIR(status.st_mode)) {
    target.kind = OutputKind::folder;
  } else {
    target.kind = S_ISREG(status.st_mode) && !open_file ? OutputKind::file : OutputKind::stream;
  }
  return target;
}

bool is_standard_output(const fs::path& name) { return name == "-" || is_descriptor(name, STDOUT_FILENO); }

bool is_standard_input(const fs::path& name) { return name == "-" || is_descriptor(name, STDIN_FILENO); }

int open_stream(const fs::path& path) {
  // What is behind the descriptor may be a file that others write to as well: at its own place.
  if (const auto own = own_descriptor(path)) {
    const int copy = ::fcntl(*own, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) {
      fail(path, message_of(errno));
    }
    return copy;
  }
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode)) {
    return connect_to_socket(path);
  }
  int descriptor = -1;
  do {
    descriptor = ::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY);
  } while (descriptor < 0 && errno == EINTR);
  if (descriptor < 0) {
    fail(path, fmt::format("opening it failed ({})", message_of(errno)));
  }
  return descriptor;
}

void take_over_attributes(const fs::path& old, int descriptor) {
  struct stat before {};
  struct stat now {};
  if (::stat(old.c_str(), &before) != 0 || !S_ISREG(before.st_mode) || ::fstat(descriptor, &now) != 0) {
    return;
  }
  copy_extended_attributes(old, descriptor);
  if (before.st_uid != now.st_uid || before.st_gid != now.st_gid) {
    if (::fchown(descriptor, before.st_uid, before.st_gid) != 0) {
      static_cast<void>(::fchown(descriptor, static_cast<uid_t>(-1), before.st_gid));
    }
  }
  struct stat owned {};
  const bool same_owner =
      ::fstat(descriptor, &owned) == 0 && owned.st_uid == before.st_uid && owned.st_gid == before.st_gid;
  constexpr mode_t all_bits = 07777;
  constexpr mode_t without_set_id = 01777;
  static_cast<void>(::fchmod(descriptor, before.st_mode & (same_owner ? all_bits : without_set_id)));
}

}  // namespace tessera
