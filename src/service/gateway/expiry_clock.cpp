// SPDX-License-Identifier: Apache-2.0
#include "service/gateway/expiry_clock.hpp"

#include <time.h>

#include <algorithm>

namespace tessera::service {
namespace {

constexpr std::chrono::milliseconds max_clock_correction{60'000};

}  // namespace

std::chrono::milliseconds system_uptime() {
  timespec time{};
  ::clock_gettime(CLOCK_BOOTTIME, &time);
  return std::chrono::seconds(time.tv_sec) +
         std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::nanoseconds(time.tv_nsec));
}

TimePoint ExpiryClock::now() {
  const TimePoint wall = wall_();
  const std::chrono::milliseconds uptime = uptime_();
  if (last_wall_) {
    const std::chrono::milliseconds step = (wall - *last_wall_) - (uptime - last_uptime_);
    if (std::chrono::abs(step) > max_clock_correction) {
      ahead_ += step;
    }
  }
  last_wall_ = wall;
  last_uptime_ = uptime;
  return wall - ahead();
}

}  // namespace tessera::service
