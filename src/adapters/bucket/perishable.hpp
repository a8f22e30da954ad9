// What somebody lends for a while: access tokens, temporary keys.
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
struct Perishable {
  Value value;
  std::optional<TimePoint> expires;  ///< nothing: never, or nobody says
};

/// Fetches when needed, and keeps until shortly before it expires. Safe to use from many threads at once: one
/// fetches, the others wait for it.
template <class Value>
class Renewed {
 public:
  using Fetch = std::function<Perishable<Value>(TimePoint now)>;

  /// `margin`: how long what get() returns is good at least, as far as that is known.
  Renewed(Fetch fetch, Clock now, std::chrono::seconds margin)
      : fetch_(std::move(fetch)), now_(std::move(now)), margin_(margin) {}

  /// Throws the Error that fetching throws, unless what is there has not expired yet: who lends it may be
  /// away for a while. As long as it is good, who lends it is asked every ten seconds at most.
  Perishable<Value> get() {
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

  /// `value` has been refused: it is not given out again.
  void drop(const Value& value) {
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
  std::optional<Perishable<Value>> kept_;
  TimePoint not_before_{};
};

}  // namespace tessera
