// Time as the service sees it. Tests of expiry and backoff bring their own.
#pragma once

#include <chrono>
#include <functional>

namespace tessera {

using TimePoint = std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>;
using Clock = std::function<TimePoint()>;

[[nodiscard]] inline TimePoint system_now() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

}  // namespace tessera
