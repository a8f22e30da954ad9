// SPDX-License-Identifier: Apache-2.0
// Exponential backoff.
#pragma once

#include <chrono>
#include <stop_token>

namespace tessera {

/// Growing waiting times: full jitter between zero and first * 2^n, at most `max` (AWS Architecture Blog,
/// "Exponential Backoff and Jitter", 2015).
class Backoff {
 public:
  Backoff(std::chrono::milliseconds first, std::chrono::milliseconds max);
  [[nodiscard]] std::chrono::milliseconds next();
  void reset();

 private:
  std::chrono::milliseconds first_;
  std::chrono::milliseconds max_;
  int failures_ = 0;
};

/// Waits for `time`, or until `stop` is requested.
void pause(std::chrono::milliseconds time, const std::stop_token& stop);

}  // namespace tessera
