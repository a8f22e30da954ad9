// Places for uploads that no job uses yet, counted by owner, so that nobody fills the store with what is
// never worked on. What a job uses, and what has expired, is counted no more.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace tessera {

struct UploadPlace {
  std::string object;
  std::string owner;
  TimePoint link_expires{};  ///< nothing new comes to the place after
  TimePoint expires{};       ///< forgotten then, whatever lies there
};

/// What an owner has.
struct UploadUse {
  std::int64_t places = 0;
  std::int64_t bytes = 0;  ///< at those places whose size is known
  bool operator==(const UploadUse&) const = default;
};

/// Of each owner; 0: none.
struct UploadLimits {
  std::int64_t max_places = 0;
  std::int64_t max_bytes = 0;
};

enum class Measured : std::uint8_t {
  noted,
  too_much,  ///< the owner would have more than is allowed; nothing is noted
  not_here,  ///< no such place: a job uses it, or it has expired, or it never was
};

/// Every call is one transaction. Safe to use from many threads and processes.
class UploadLedger {
 public:
  virtual ~UploadLedger() = default;

  struct Entered {
    bool entered = false;
    UploadUse before;  ///< of the owner, without the place
  };
  /// Enters the place, unless its owner has as many places or bytes as the limits allow.
  virtual Entered enter(const UploadPlace& place, const UploadLimits& limits) = 0;
  /// Notes how much lies at a place, in place of what was noted before, unless its owner would then have more
  /// than `max_bytes` (0: any).
  virtual Measured measure(const std::string& object, std::int64_t size_bytes, std::int64_t max_bytes) = 0;
  /// Places of unknown size that nobody has taken since `taken_before`, those that have waited longest first.
  /// Whoever takes them looks what lies there.
  [[nodiscard]] virtual std::vector<UploadPlace> take_unmeasured(TimePoint taken_before, int limit) = 0;
  /// A job uses what lies there, or nothing does any more. No error for what is not here.
  virtual void release(const std::vector<std::string>& objects) = 0;
  [[nodiscard]] virtual UploadUse use_of(const std::string& owner) = 0;
};

}  // namespace tessera
