// SPDX-License-Identifier: Apache-2.0
// How the load programs tell of many times.
#pragma once

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

/// Of at least one time.
inline nlohmann::json percentiles(std::vector<double> ms) {
  std::ranges::sort(ms);
  const auto at = [&](double share) {
    return ms[static_cast<std::size_t>(share * static_cast<double>(ms.size() - 1))];
  };
  return {{"median_ms", at(0.5)},
          {"p90_ms", at(0.9)},
          {"p95_ms", at(0.95)},
          {"p99_ms", at(0.99)},
          {"max_ms", at(1)}};
}
