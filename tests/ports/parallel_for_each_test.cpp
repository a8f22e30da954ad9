// SPDX-License-Identifier: Apache-2.0
#include "base/parallel_for_each.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <stdexcept>
#include <string>
#include <vector>

namespace tessera {
namespace {

TEST(ParallelForEach, CallsEveryIndexOnceWithLimitedConcurrency) {
  std::vector<std::atomic<int>> calls(100);
  std::atomic<int> under_way{0};
  std::atomic<int> max_running{0};
  std::barrier all_four(4);  // comes to an end only if four wait at the same time
  parallel_for_each(calls.size(), 4, [&](std::size_t index) {
    const int now = ++under_way;
    for (int seen = max_running; now > seen && !max_running.compare_exchange_weak(seen, now);) {
    }
    ++calls[index];
    all_four.arrive_and_wait();
    --under_way;
  });
  for (const auto& count : calls) {
    EXPECT_EQ(count, 1);
  }
  EXPECT_EQ(max_running, 4);
  parallel_for_each(0, 4, [](std::size_t) { ADD_FAILURE() << "there is nothing to call"; });
}

TEST(ParallelForEach, ThrowsTheExceptionOfTheLowestIndex) {
  for (int round = 0; round < 50; ++round) {
    std::atomic<std::size_t> called{0};
    try {
      parallel_for_each(10'000, 4, [&](std::size_t index) {
        ++called;
        if (index >= 5) {
          throw std::runtime_error(std::to_string(index));
        }
      });
      ADD_FAILURE() << "nothing was thrown";
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "5");
    }
    EXPECT_LT(called, 10'000U);
  }
}

}  // namespace
}  // namespace tessera
