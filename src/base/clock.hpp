// SPDX-License-Identifier: Apache-2.0
// Time as the service sees it. Tests of expiry and backoff bring their own.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace tessera {

using TimePoint = std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>;
using Clock = std::function<TimePoint()>;

[[nodiscard]] inline TimePoint system_now() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

/// Since 1970, as stores keep times.
[[nodiscard]] inline std::int64_t to_ms(TimePoint time) { return time.time_since_epoch().count(); }
[[nodiscard]] inline TimePoint from_ms(std::int64_t ms) { return TimePoint(std::chrono::milliseconds(ms)); }

/// "2026-11-24T04:05:06.789Z", and back. Throws Error(usage).
[[nodiscard]] std::string to_iso8601(TimePoint time);
[[nodiscard]] TimePoint time_from_iso8601(std::string_view text);

}  // namespace tessera
