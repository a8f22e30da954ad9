// SPDX-License-Identifier: Apache-2.0
#include "base/machine.hpp"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace tessera {
namespace {

namespace fs = std::filesystem;

/// The words of a small file; none if it cannot be read.
std::vector<std::string> words_of(const fs::path& file) {
  std::ifstream in(file);
  std::vector<std::string> words;
  for (std::string word; in >> word;) {
    words.push_back(word);
  }
  return words;
}

/// Nothing for "max", "-1" and anything else that is no positive number.
std::optional<double> positive(const std::string& word) {
  std::istringstream in(word);
  double value = 0;
  return in >> value && value > 0 ? std::optional(value) : std::nullopt;
}

template <class T>
void keep_least(std::optional<T>& kept, std::optional<T> next) {
  if (next && (!kept || *next < *kept)) {
    kept = next;
  }
}

std::optional<double> quota_in(const fs::path& group) {
  std::vector<std::string> words = words_of(group / "cpu.max");
  if (words.empty()) {
    words = words_of(group / "cpu.cfs_quota_us");
    const std::vector<std::string> period = words_of(group / "cpu.cfs_period_us");
    words.insert(words.end(), period.begin(), period.end());
  }
  if (words.size() < 2) {
    return std::nullopt;
  }
  const std::optional<double> quota = positive(words[0]);
  const std::optional<double> period = positive(words[1]);
  return quota && period ? std::optional(*quota / *period) : std::nullopt;
}

std::optional<std::int64_t> memory_in(const fs::path& group) {
  for (const char* name : {"memory.max", "memory.limit_in_bytes"}) {
    const std::vector<std::string> words = words_of(group / name);
    if (!words.empty()) {
      const std::optional<double> bytes = positive(words.front());
      // Version 1 says "no limit" by a number beyond all memory.
      constexpr double no_limit = 9e18;
      return bytes && *bytes < no_limit ? std::optional(static_cast<std::int64_t>(*bytes)) : std::nullopt;
    }
  }
  return std::nullopt;
}

/// `group` and the groups around it, up to `root`.
void take_limits(const fs::path& root, const fs::path& group, CgroupLimits& limits) {
  for (fs::path at = group.relative_path();; at = at.parent_path()) {
    keep_least(limits.cores, quota_in(root / at));
    keep_least(limits.memory_bytes, memory_in(root / at));
    if (at.empty()) {
      return;
    }
  }
}

}  // namespace

std::vector<int> affinity() {
  // The mask must be as long as the kernel's, which may know of more cores than cpu_set_t has room for.
  constexpr int max_cores = 1 << 16;
  std::vector<int> cores;
  for (int room = 1024; room <= max_cores; room *= 2) {
    const std::size_t bytes = CPU_ALLOC_SIZE(room);
    std::vector<cpu_set_t> mask(bytes / sizeof(cpu_set_t) + 1);
    if (::sched_getaffinity(0, bytes, mask.data()) == 0) {
      for (int core = 0; core < room; ++core) {
        if (CPU_ISSET_S(core, bytes, mask.data())) {
          cores.push_back(core);
        }
      }
      break;
    }
    if (errno != EINVAL) {
      break;
    }
  }
  return cores;
}

CgroupLimits cgroup_limits(const fs::path& membership, const fs::path& mount) {
  // Lines are "number:controllers:/group"; version 2 has no controllers.
  CgroupLimits limits;
  std::ifstream in(membership);
  for (std::string line; std::getline(in, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) {
      continue;
    }
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const fs::path group = line.substr(second + 1);
    if (controllers.empty()) {
      take_limits(mount, group, limits);
      take_limits(mount / "unified", group, limits);
    } else if (("," + controllers + ",").find(",cpu,") != std::string::npos) {
      take_limits(mount / controllers, group, limits);
      take_limits(mount / "cpu", group, limits);
    } else if (controllers == "memory") {
      take_limits(mount / "memory", group, limits);
    }
  }
  return limits;
}

ResidentMemory resident_memory() {
  constexpr std::int64_t unit_bytes = 1024;
  const std::vector<std::string> words = words_of("/proc/self/status");
  const auto after = [&](const char* name) -> std::int64_t {
    const auto at = std::find(words.begin(), words.end(), name);
    return at == words.end() || at + 1 == words.end() ? 0 : std::atoll((at + 1)->c_str()) * unit_bytes;
  };
  return {after("VmRSS:"), after("VmHWM:")};
}

int usable_cores() {
  int cores = static_cast<int>(affinity().size());
  if (cores == 0) {
    cores = static_cast<int>(std::thread::hardware_concurrency());
  }
  if (const std::optional<double> quota = cgroup_limits().cores) {
    cores = std::min(cores, static_cast<int>(std::min(std::ceil(*quota), 1e6)));
  }
  return std::max(1, cores);
}

int cores_for_each_of(int processes) { return std::max(1, usable_cores() / std::max(1, processes)); }

std::int64_t usable_memory_bytes() {
  constexpr std::int64_t unknown = std::numeric_limits<std::int64_t>::max();
  const std::int64_t pages = ::sysconf(_SC_PHYS_PAGES);
  const std::int64_t machine = pages > 0 ? pages * ::sysconf(_SC_PAGESIZE) : unknown;
  return std::min(machine, cgroup_limits().memory_bytes.value_or(unknown));
}

std::int64_t share_of_memory(std::int64_t usable_bytes, int processes) {
  return usable_bytes / 5 * 4 / std::max(1, processes);
}

}  // namespace tessera
