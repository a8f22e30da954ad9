// Who still lives among the users of a queue's file, as the kernel knows it.
#pragma once

#include <cstdint>
#include <filesystem>

namespace tessera {

/// Taker N is alive as long as byte N of the file is locked. The lock belongs to the open file (an "open file
/// description lock"), so it ends with its process, however that ends, and holds among the threads of one
/// process too. Nothing needs renewing, and the clock plays no part.
class TakerLock {
 public:
  /// Throws Error(io).
  explicit TakerLock(const std::filesystem::path& path);
  ~TakerLock();
  TakerLock(const TakerLock&) = delete;
  TakerLock& operator=(const TakerLock&) = delete;

  /// Declares this object to be taker `id`.
  void hold(std::int64_t id);
  /// Whether another object is taker `id`.
  [[nodiscard]] bool held_by_another(std::int64_t id) const;

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
};

}  // namespace tessera
