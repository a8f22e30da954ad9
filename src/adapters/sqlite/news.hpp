// Openings of one file in one process tell each other at once that something has changed in it, as gateway
// and node of `tessera serve` do. What other processes change is seen by looking.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>

namespace tessera {

class News {
 public:
  void announce() {
    const std::lock_guard lock(mutex_);
    ++count_;
    changed_.notify_all();
  }
  [[nodiscard]] std::uint64_t count() {
    const std::lock_guard lock(mutex_);
    return count_;
  }
  /// Waits until the count is another, at most until `deadline`.
  void wait(std::uint64_t count, std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, deadline, [&] { return count_ != count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t count_ = 0;
};

/// The same for all who ask for the same existing file while one of them holds it.
[[nodiscard]] std::shared_ptr<News> news_of(const std::filesystem::path& file);

}  // namespace tessera
