// SPDX-License-Identifier: Apache-2.0
// What a process may use of its machine.
#include "base/machine.hpp"

#include <gtest/gtest.h>
#include <sched.h>

#include "program.hpp"

namespace tessera::testing {
namespace {

namespace fs = std::filesystem;

class Cgroups : public ::testing::Test {
 protected:
  void set(const std::string& file, const std::string& content) {
    const fs::path path = folder / ("mount/" + file);
    fs::create_directories(path.parent_path());
    write_file(path, content);
  }
  CgroupLimits limits(const std::string& membership) {
    write_file(folder / "membership", membership);
    return cgroup_limits(folder / "membership", folder / "mount");
  }
  TemporaryFolder folder;
};

TEST_F(Cgroups, TheLeastOfAllGroupsAround) {
  set("a/cpu.max", "150000 100000\n");
  set("a/b/cpu.max", "max 100000\n");
  set("a/b/memory.max", "max\n");
  set("a/memory.max", "2000000\n");
  set("memory.max", "9000000\n");
  const CgroupLimits found = limits("0::/a/b\n");
  EXPECT_EQ(found.cores, 1.5);
  EXPECT_EQ(found.memory_bytes, 2'000'000);
}

TEST_F(Cgroups, OfVersionOne) {
  set("cpu,cpuacct/job/cpu.cfs_quota_us", "400000\n");
  set("cpu,cpuacct/job/cpu.cfs_period_us", "100000\n");
  set("cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
  set("cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  set("memory/job/memory.limit_in_bytes", "5000000\n");
  set("memory/memory.limit_in_bytes", "9223372036854771712\n");
  const CgroupLimits found = limits("5:cpu,cpuacct:/job\n4:memory:/job\n1:name=systemd:/x\n");
  EXPECT_EQ(found.cores, 4);
  EXPECT_EQ(found.memory_bytes, 5'000'000);
}

TEST_F(Cgroups, WithoutLimitsThereAreNone) {
  const CgroupLimits found = limits("0::/\n");
  EXPECT_FALSE(found.cores);
  EXPECT_FALSE(found.memory_bytes);
}

TEST(Machine, CoresAreThoseOfTheAffinityMask) {
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  const int first = affinity().front();
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<std::size_t>(first), &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(affinity(), std::vector{first});
  EXPECT_EQ(usable_cores(), 1);
  const Outcome explained = run_program({"explain", "invert", "--json"});
  sched_setaffinity(0, sizeof before, &before);
  EXPECT_NE(explained.out.find("\"threads\": 1,"), std::string::npos) << explained.out;
  EXPECT_EQ(cores_for_each_of(1'000'000), 1);
}

TEST(Machine, HasMemory) { EXPECT_GT(usable_memory_bytes(), 1 << 20); }

}  // namespace
}  // namespace tessera::testing
