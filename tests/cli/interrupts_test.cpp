// SPDX-License-Identifier: Apache-2.0
// Time limits as stop tokens.
#include "interrupts.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace tessera::cli {
namespace {

using namespace std::chrono_literals;

std::future_status stopped_within(const std::stop_token& token, std::chrono::seconds time) {
  std::promise<void> stopped;
  const std::stop_callback tell(token, [&] { stopped.set_value(); });
  return stopped.get_future().wait_for(time);
}

TEST(Interrupts, StopWorkWhoseTimeIsOver) {
  std::promise<void> told;
  Interrupts interrupts(true, [&] { told.set_value(); });
  EXPECT_EQ(stopped_within(interrupts.begin(0.01), 60s), std::future_status::ready);
  EXPECT_TRUE(interrupts.timed_out());
  EXPECT_FALSE(interrupts.interrupted());
  EXPECT_EQ(told.get_future().wait_for(60s), std::future_status::ready);
}

TEST(Interrupts, NeverStopWorkForThatBefore) {
  Interrupts interrupts(true);
  for (int i = 0; i < 1000; ++i) {
    // The one's time is over about when the next begins.
    static_cast<void>(interrupts.begin(0.001));
    std::this_thread::sleep_for(std::chrono::microseconds(700 + i));
    const std::stop_token next = interrupts.begin(1000);
    std::this_thread::yield();
    EXPECT_FALSE(next.stop_requested());
    EXPECT_FALSE(interrupts.timed_out());
  }
  // Still listening, and able to end.
  EXPECT_EQ(stopped_within(interrupts.begin(0.001), 60s), std::future_status::ready);
}

}  // namespace
}  // namespace tessera::cli
