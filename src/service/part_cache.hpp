// SPDX-License-Identifier: Apache-2.0
// Encoded parts of images that were asked for lately.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace tessera::service {

/// At most `max_bytes` of parts; what was not asked for longest goes first. Safe to use from many threads.
class PartCache {
 public:
  explicit PartCache(std::int64_t max_bytes) : max_bytes_(max_bytes) {}

  /// Null if it is not kept.
  [[nodiscard]] std::shared_ptr<const std::string> find(const std::string& key) {
    const std::scoped_lock lock(mutex_);
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) {
      return nullptr;
    }
    parts_.splice(parts_.begin(), parts_, found->second);
    return parts_.front().second;
  }

  void keep(const std::string& key, std::shared_ptr<const std::string> part) {
    const std::scoped_lock lock(mutex_);
    const std::int64_t bytes = size_of(key, *part);
    if (by_key_.contains(key) || bytes > max_bytes_) {
      return;
    }
    while (bytes_ + bytes > max_bytes_) {
      bytes_ -= size_of(parts_.back().first, *parts_.back().second);
      by_key_.erase(parts_.back().first);
      parts_.pop_back();
    }
    parts_.emplace_front(key, std::move(part));
    by_key_[key] = parts_.begin();
    bytes_ += bytes;
  }

 private:
  using Parts = std::list<std::pair<std::string, std::shared_ptr<const std::string>>>;
  /// The key is held twice, and the lists take some themselves.
  static std::int64_t size_of(const std::string& key, const std::string& part) {
    constexpr std::size_t entry_bytes = 256;
    return static_cast<std::int64_t>(2 * key.size() + part.size() + entry_bytes);
  }

  const std::int64_t max_bytes_;
  std::mutex mutex_;
  // Guarded by mutex_:
  std::int64_t bytes_ = 0;
  Parts parts_;  ///< asked for last in front
  std::unordered_map<std::string, Parts::iterator> by_key_;
};

}  // namespace tessera::service
