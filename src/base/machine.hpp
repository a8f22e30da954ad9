// SPDX-License-Identifier: Apache-2.0
// What this process may use of the machine: the cores of its affinity mask and its control groups' quota, and
// the memory that the machine and its control groups have.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

namespace tessera {

/// Threads that can run side by side: the cores of the affinity mask (taskset, Slurm, mpirun --bind-to), or
/// fewer where a control group's CPU quota (containers, systemd) allows less. At least 1.
[[nodiscard]] int usable_cores();

/// The numbers of the cores in the affinity mask, rising. Empty if the system does not say.
[[nodiscard]] std::vector<int> affinity();

/// usable_cores() for each of `processes` that share them, at least 1.
[[nodiscard]] int cores_for_each_of(int processes);

/// Memory of the machine, or the limit of a control group where that is less. Very much if the system does
/// not say.
[[nodiscard]] std::int64_t usable_memory_bytes();

/// What each of `processes` may use of that: 80 % of its share.
[[nodiscard]] std::int64_t share_of_memory(std::int64_t usable_bytes, int processes);

/// Physical memory of this process, in bytes: now, and at most so far. 0 if the system does not say.
struct ResidentMemory {
  std::int64_t now = 0;
  std::int64_t peak = 0;
};
[[nodiscard]] ResidentMemory resident_memory();

/// What the control groups of a process allow: the least of its own group and those around it. Nothing where
/// none sets a limit. Versions 1 and 2 are read.
struct CgroupLimits {
  std::optional<double> cores;
  std::optional<std::int64_t> memory_bytes;
};
[[nodiscard]] CgroupLimits cgroup_limits(const std::filesystem::path& membership = "/proc/self/cgroup",
                                         const std::filesystem::path& mount = "/sys/fs/cgroup");

}  // namespace tessera
