// SPDX-License-Identifier: Apache-2.0
// Landlock: restricts which files this thread, and those it starts, may open.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include "base/file_descriptor.hpp"
#include "ranks/sandbox_parts.hpp"

namespace tessera {
namespace {

// linux/landlock.h of the oldest supported system defines only the first two of seven versions.
constexpr long create_ruleset_call = 444;
constexpr long add_rule_call = 445;
constexpr long restrict_self_call = 446;
constexpr unsigned ask_version = 1;
constexpr int rule_for_path = 1;

namespace right {
constexpr std::uint64_t write_file = 1U << 1;
constexpr std::uint64_t read_file = 1U << 2;
constexpr std::uint64_t read_folder = 1U << 3;
constexpr std::uint64_t remove_file = 1U << 5;
constexpr std::uint64_t make_file = 1U << 8;
constexpr std::uint64_t truncate = 1U << 14;
}  // namespace right
constexpr std::uint64_t for_files = right::write_file | right::read_file | right::truncate | 1U | 1U << 15;
constexpr std::uint64_t read_only = right::read_file | right::read_folder;
constexpr std::uint64_t read_write =
    read_only | right::write_file | right::remove_file | right::make_file | right::truncate;

/// Number of file access rights in each version; higher bits were added later.
constexpr std::array file_rights{0, 13, 14, 15, 15, 16, 16, 16};
constexpr int version_of_tcp = 4;
constexpr int version_of_scopes = 6;

struct Ruleset {
  std::uint64_t files = 0;
  std::uint64_t tcp = 0;
  std::uint64_t scopes = 0;
};
#pragma pack(push, 1)
struct PathRule {
  std::uint64_t allowed = 0;
  std::int32_t path = -1;
};
#pragma pack(pop)

class Rules {
 public:
  Rules(int ruleset, std::uint64_t handled) : ruleset_(ruleset), handled_(handled) {}

  /// A missing path needs no rule.
  void allow(const std::filesystem::path& path, std::uint64_t rights) {
    const FileDescriptor place(::open(path.c_str(), O_PATH | O_CLOEXEC));
    struct stat status {};
    if (!place || ::fstat(place.get(), &status) != 0) {
      return;
    }
    PathRule rule{rights & handled_ & (S_ISDIR(status.st_mode) ? ~std::uint64_t{0} : for_files), place.get()};
    static_cast<void>(::syscall(add_rule_call, ruleset_, rule_for_path, &rule, 0));
  }

 private:
  int ruleset_;
  std::uint64_t handled_;
};

void allow_system(Rules& rules) {
  // Libraries, the modules that they open, fonts, and the tables of locales and time zones.
  for (const char* path : {"/usr", "/lib", "/lib64", "/lib32", "/etc/ld.so.cache", "/etc/localtime"}) {
    rules.allow(path, read_only);
  }
  // What libraries read about available processors and memory.
  for (const char* path : {"/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/sys/vm/overcommit_memory",
                           "/sys/devices/system", "/sys/kernel/mm/transparent_hugepage", "/sys/fs/cgroup"}) {
    rules.allow(path, read_only);
  }
  rules.allow("/dev/null", read_only | right::write_file);
  rules.allow("/dev/zero", read_only);
  rules.allow("/dev/urandom", read_only);
  if (const char* const folders = std::getenv("LD_LIBRARY_PATH"); folders != nullptr) {
    std::istringstream list(folders);
    for (std::string folder; std::getline(list, folder, ':');) {
      if (folder.starts_with('/') && folder != "/") {
        rules.allow(folder, read_only);
      }
    }
  }
}

/// Shared memory between ranks, which is opened when they first communicate, and the folder in which MPI
/// publishes its location.
void allow_mpi(Rules& rules) {
  rules.allow("/dev/shm", read_write);
  if (const char* const folder = std::getenv("PMIX_SERVER_TMPDIR"); folder != nullptr) {
    rules.allow(folder, read_write);
  }
}

std::string reason() { return std::strerror(errno); }

}  // namespace

std::optional<std::string> restrict_files(const SandboxNeeds& needs) {
  const long version = ::syscall(create_ruleset_call, nullptr, 0, ask_version);
  if (version < 1) {
    return fmt::format("no limits on files (the kernel gives no Landlock: {})", reason());
  }
  const auto known = static_cast<std::size_t>(version) < file_rights.size()
                         ? static_cast<std::size_t>(version)
                         : file_rights.size() - 1;
  Ruleset handled;
  handled.files = (std::uint64_t{1} << file_rights[known]) - 1;
  if (!needs.mpi) {
    handled.tcp = version >= version_of_tcp ? 3 : 0;        // bind and connect
    handled.scopes = version >= version_of_scopes ? 3 : 0;  // abstract sockets and signals
  }
  // An older kernel accepts the longer structure if the members it does not know are zero.
  const FileDescriptor ruleset(static_cast<int>(::syscall(create_ruleset_call, &handled, sizeof handled, 0)));
  if (!ruleset) {
    return fmt::format("no limits on files (Landlock gives no rules: {})", reason());
  }
  Rules rules(ruleset.get(), handled.files);
  allow_system(rules);
  for (const auto& path : needs.read_only) {
    rules.allow(path, read_only);
  }
  if (!needs.folder.empty()) {
    rules.allow(needs.folder, read_write);
  }
  rules.allow("/proc/self", read_only);
  // The rule applies to this process's /proc folder as long as the kernel caches that folder: an open file in
  // it keeps it cached when memory is short. It stays open until the process ends.
  static_cast<void>(::open("/proc/self", O_PATH | O_CLOEXEC));
  if (needs.mpi) {
    allow_mpi(rules);
  }
  if (::syscall(restrict_self_call, ruleset.get(), 0) != 0) {
    return fmt::format("no limits on files (Landlock does not begin: {})", reason());
  }
  return std::nullopt;
}

}  // namespace tessera
