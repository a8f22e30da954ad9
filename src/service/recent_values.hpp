// SPDX-License-Identifier: Apache-2.0
// What a store has said lately, so that requests that come many times a second do not ask it each time.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace tessera::service {

using SteadyClock = std::function<std::chrono::steady_clock::time_point()>;

struct RecentOptions {
  std::chrono::milliseconds lifetime{1000};  ///< of a value, from just before the store was asked
  std::size_t max_values = 1000;
  SteadyClock now = std::chrono::steady_clock::now;
};

/// Values by their names. Only what was found is kept, so that names that somebody makes up take no memory. Safe to use
/// from many threads.
template <class Value>
class RecentValues {
 public:
  using Found = std::shared_ptr<const Value>;

  explicit RecentValues(RecentOptions options) : options_(std::move(options)) {}

  /// What `ask` returns, or has returned within the lifetime; null if there is no such value. In the second half of the
  /// lifetime one caller asks again while the others still get the value: at its end not all ask at the same time.
  /// Throws what `ask` throws.
  template <class Ask>
  [[nodiscard]] Found find(const std::string& name, const Ask& ask) {
    Time asked;
    {
      const std::scoped_lock lock(mutex_);
      asked = options_.now();
      if (const auto entry = entries_.find(name); entry != entries_.end()) {
        if (may_use(entry->second, asked)) {
          return entry->second.value;
        }
        entry->second.being_asked = true;
      }
    }
    Found found;
    try {
      found = ask();
    } catch (...) {
      const std::scoped_lock lock(mutex_);
      if (const auto entry = entries_.find(name); entry != entries_.end()) {
        entry->second.being_asked = false;
      }
      throw;
    }
    const std::scoped_lock lock(mutex_);
    if (found) {
      make_room(asked);
      entries_[name] = {found, asked};
    } else {
      entries_.erase(name);
    }
    return found;
  }

  /// The value, if find() would return it without asking; null otherwise.
  [[nodiscard]] Found known(const std::string& name) {
    const std::scoped_lock lock(mutex_);
    const auto entry = entries_.find(name);
    return entry != entries_.end() && may_use(entry->second, options_.now()) ? entry->second.value : nullptr;
  }

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Entry {
    Found value;
    Time asked;
    bool being_asked = false;  ///< again
  };

  [[nodiscard]] bool may_use(const Entry& entry, Time now) const {
    const auto age = now - entry.asked;
    return age < (entry.being_asked ? options_.lifetime : options_.lifetime / 2);
  }
  void make_room(Time now) {
    if (entries_.size() < options_.max_values) {
      return;
    }
    std::erase_if(entries_, [&](const auto& entry) { return now - entry.second.asked >= options_.lifetime; });
    if (entries_.size() >= options_.max_values) {
      entries_.clear();  // what is still needed is asked for again
    }
  }

  const RecentOptions options_;
  std::mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;  ///< guarded by mutex_
};

}  // namespace tessera::service
