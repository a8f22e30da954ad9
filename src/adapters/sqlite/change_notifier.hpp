// SPDX-License-Identifier: Apache-2.0
// Notifies all users of one file within one process of changes, such as gateway and node of `tessera serve`.
// Changes by other processes are found by polling.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>

namespace tessera {

class ChangeNotifier {
 public:
  void notify() {
    const std::lock_guard lock(mutex_);
    ++count_;
    changed_.notify_all();
  }
  [[nodiscard]] std::uint64_t count() {
    const std::lock_guard lock(mutex_);
    return count_;
  }
  /// Waits until the count differs from `count`, or until `deadline`.
  void wait(std::uint64_t count, std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, deadline, [&] { return count_ != count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t count_ = 0;
};

/// Returns the shared notifier of an existing file; it exists as long as somebody holds it.
[[nodiscard]] std::shared_ptr<ChangeNotifier> change_notifier_of(const std::filesystem::path& file);

}  // namespace tessera
