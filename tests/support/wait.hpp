// SPDX-License-Identifier: Apache-2.0
// Waiting for what another process does and does not announce.
#pragma once

#include <chrono>
#include <thread>

namespace tessera::testing {

/// Longer than anything takes on the slowest machine that the tests run on.
inline constexpr std::chrono::seconds wait_limit{200};

/// Asks until `holds()` is true; false if it is not within `limit`.
template <class Condition>
[[nodiscard]] bool poll_until(const Condition& holds, std::chrono::milliseconds limit = wait_limit) {
  constexpr std::chrono::milliseconds interval{5};
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!holds()) {
    if (std::chrono::steady_clock::now() >= deadline) {
      return false;
    }
    std::this_thread::sleep_for(interval);
  }
  return true;
}

}  // namespace tessera::testing
