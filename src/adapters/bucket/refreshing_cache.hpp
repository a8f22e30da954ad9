// SPDX-License-Identifier: Apache-2.0
// Values that expire: access tokens, temporary credentials.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <mutex>
#include <optional>

#include "base/clock.hpp"
#include "base/error.hpp"

namespace tessera {

template <class Value>
struct ExpiringValue {
  Value value;
  std::optional<TimePoint> expires;  ///< nothing: never, or unknown
};

/// Fetches a value when needed and keeps it until shortly before it expires. Safe to use from many threads at
/// once: one fetches, the others wait for it.
template <class Value>
class RefreshingCache {
 public:
  using Fetch = std::function<ExpiringValue<Value>(TimePoint now)>;

  /// `margin`: minimum remaining lifetime of what get() returns, if the expiry is known.
  RefreshingCache(Fetch fetch, Clock now, std::chrono::seconds margin)
      : fetch_(std::move(fetch)), now_(std::move(now)), margin_(margin) {}

  /// Throws what fetching throws, unless the cached value has not expired yet: the provider may be
  /// temporarily unavailable. While the cached value is valid, at most one fetch is tried every ten seconds.
  ExpiringValue<Value> get() {
    const std::lock_guard lock(mutex_);
    const TimePoint now = now_();
    if (!kept_ || (kept_->expires && now + margin_ >= *kept_->expires &&
                   now >= std::min(not_before_, *kept_->expires))) {
      not_before_ = now + pause_;
      try {
        kept_ = fetch_(now);
      } catch (const Error&) {
        if (!kept_ || now >= *kept_->expires) {
          throw;
        }
      }
    }
    return *kept_;
  }

  /// `value` was rejected: it is not returned again.
  void invalidate(const Value& value) {
    const std::lock_guard lock(mutex_);
    if (kept_ && kept_->value == value) {
      kept_.reset();
    }
  }

 private:
  static constexpr std::chrono::seconds pause_{10};

  Fetch fetch_;
  Clock now_;
  std::chrono::seconds margin_;
  std::mutex mutex_;
  std::optional<ExpiringValue<Value>> kept_;
  TimePoint not_before_{};
};

}  // namespace tessera
