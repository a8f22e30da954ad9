// SPDX-License-Identifier: Apache-2.0
// Liveness of the consumers of a queue file, tracked by the kernel.
#pragma once

#include <cstdint>
#include <filesystem>

namespace tessera {

/// Consumer N is alive as long as byte N of the file is locked. The lock belongs to the open file (an "open
/// file description lock"), so it ends with its process in any case, and also works between threads of one
/// process. No renewal and no clock is involved.
class ConsumerLivenessLock {
 public:
  /// Throws Error(io).
  explicit ConsumerLivenessLock(const std::filesystem::path& path);
  ~ConsumerLivenessLock();
  ConsumerLivenessLock(const ConsumerLivenessLock&) = delete;
  ConsumerLivenessLock& operator=(const ConsumerLivenessLock&) = delete;

  /// Makes this object consumer `id`.
  void hold(std::int64_t id);
  /// Whether another object is consumer `id`.
  [[nodiscard]] bool held_by_another(std::int64_t id) const;

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
};

}  // namespace tessera
