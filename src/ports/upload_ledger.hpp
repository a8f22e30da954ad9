// SPDX-License-Identifier: Apache-2.0
// Reservations for uploads that no job uses yet, counted by owner, so that no owner can fill the store with
// unused data. Uploads that a job uses, and expired ones, are no longer counted.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace tessera {

struct UploadReservation {
  std::string object;
  std::string owner;
  TimePoint link_expires{};  ///< no upload can begin after this
  TimePoint expires{};       ///< the reservation ends then, whatever was uploaded
};

/// Usage of one owner.
struct UploadUsage {
  std::int64_t reservations = 0;
  std::int64_t bytes = 0;  ///< of the uploads whose size is known
  bool operator==(const UploadUsage&) const = default;
};

/// Limits for each owner; 0: unlimited.
struct UploadLimits {
  std::int64_t max_reservations = 0;
  std::int64_t max_bytes = 0;
};

enum class SizeUpdate : std::uint8_t {
  recorded,
  over_limit,  ///< the owner would exceed the limit; nothing is recorded
  not_found,   ///< no such reservation: used by a job, expired, or never made
};

/// Every call is one transaction. Safe to use from many threads and processes.
class UploadLedger {
 public:
  virtual ~UploadLedger() = default;

  struct Reserved {
    bool reserved = false;
    UploadUsage before;  ///< usage of the owner without this reservation
  };
  /// Adds the reservation unless its owner has reached a limit.
  virtual Reserved reserve(const UploadReservation& place, const UploadLimits& limits) = 0;
  /// Records the size of an upload, replacing the earlier value, unless its owner would then have more than
  /// `max_bytes` (0: unlimited).
  virtual SizeUpdate record_size(const std::string& object, std::int64_t size_bytes,
                                 std::int64_t max_bytes) = 0;
  /// Claims reservations of unknown size that were not claimed since `claimed_before`, the longest waiting
  /// first. The caller must look up their size in the store.
  [[nodiscard]] virtual std::vector<UploadReservation> claim_unmeasured(TimePoint claimed_before,
                                                                        int limit) = 0;
  /// Ends reservations: a job uses the uploads, or they are gone. Ignores unknown objects.
  virtual void release(const std::vector<std::string>& objects) = 0;
  [[nodiscard]] virtual UploadUsage usage_of(const std::string& owner) = 0;
};

}  // namespace tessera
