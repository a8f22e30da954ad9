// SPDX-License-Identifier: Apache-2.0
// The clock for expiry. A clock that jumps ahead must not make everything expire at once.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>

#include "base/clock.hpp"

namespace tessera::service {

/// Time since boot, including suspend. Not affected by clock changes.
[[nodiscard]] std::chrono::milliseconds system_uptime();

/// The wall clock without forward jumps since this object was created, detected by comparison with the
/// uptime. Steps of up to a minute are accepted as corrections. Not safe to use from several threads at once.
class ExpiryClock {
 public:
  ExpiryClock(Clock wall, std::function<std::chrono::milliseconds()> uptime)
      : wall_(std::move(wall)), uptime_(std::move(uptime)) {}

  /// Never later than the wall clock.
  [[nodiscard]] TimePoint now();
  /// By how much the wall clock has jumped ahead; zero if it has not, or was set back.
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
