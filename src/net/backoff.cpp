// SPDX-License-Identifier: Apache-2.0
#include "net/backoff.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <random>

namespace tessera {

Backoff::Backoff(std::chrono::milliseconds first, std::chrono::milliseconds max) : first_(first), max_(max) {}

std::chrono::milliseconds Backoff::next() {
  constexpr int max_doublings = 20;
  const auto ceiling = std::min(max_, first_ * (1 << std::min(failures_, max_doublings)));
  ++failures_;
  thread_local std::minstd_rand random{std::random_device{}()};
  return std::chrono::milliseconds(
      std::uniform_int_distribution<std::chrono::milliseconds::rep>(0, ceiling.count())(random));
}

void Backoff::reset() { failures_ = 0; }

void pause(std::chrono::milliseconds time, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  stopped.wait_for(lock, stop, time, [] { return false; });
}

}  // namespace tessera
