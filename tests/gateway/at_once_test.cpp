#include "service/gateway/at_once.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <stdexcept>
#include <string>
#include <vector>

namespace tessera::service {
namespace {

TEST(EachAtOnce, CallsEveryOneOnceAndSoManySideBySide) {
  std::vector<std::atomic<int>> calls(100);
  std::atomic<int> under_way{0};
  std::atomic<int> most{0};
  std::barrier all_four(4);  // comes to an end only if four wait at the same time
  each_at_once(calls.size(), 4, [&](std::size_t index) {
    const int now = ++under_way;
    for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
    }
    ++calls[index];
    all_four.arrive_and_wait();
    --under_way;
  });
  for (const auto& count : calls) {
    EXPECT_EQ(count, 1);
  }
  EXPECT_EQ(most, 4);
  each_at_once(0, 4, [](std::size_t) { ADD_FAILURE() << "there is nothing to call"; });
}

TEST(EachAtOnce, ThrowsWhatTheFirstThatFailedThrew) {
  for (int round = 0; round < 50; ++round) {
    std::atomic<std::size_t> called{0};
    try {
      each_at_once(10'000, 4, [&](std::size_t index) {
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
}  // namespace tessera::service
