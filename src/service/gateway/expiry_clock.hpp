// The time by which things expire. A clock that jumps ahead must not have everything expire in one round.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>

#include "base/clock.hpp"

namespace tessera::service {

/// Time since the machine was started, including what it slept. Nobody sets this clock.
[[nodiscard]] std::chrono::milliseconds system_uptime();

/// The wall clock without the jumps ahead that it made while this was watching: a clock that is set is
/// compared with the time that has passed. Steps up to a minute are taken for corrections. Not safe to use
/// from several threads at once.
class ExpiryClock {
 public:
  ExpiryClock(Clock wall, std::function<std::chrono::milliseconds()> uptime)
      : wall_(std::move(wall)), uptime_(std::move(uptime)) {}

  /// Never later than the wall clock.
  [[nodiscard]] TimePoint now();
  /// By how much the wall clock has jumped ahead; zero when it has not, or is back.
  [[nodiscard]] std::chrono::milliseconds ahead() const {
    return std::max(std::chrono::milliseconds(0), ahead_);
  }

 private:
  Clock wall_;
  std::function<std::chrono::milliseconds()> uptime_;
  std::optional<TimePoint> last_wall_;
  std::chrono::milliseconds last_uptime_{0};
  std::chrono::milliseconds ahead_{0};
};

}  // namespace tessera::service
