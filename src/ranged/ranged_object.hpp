// SPDX-License-Identifier: Apache-2.0
// One version of an object that is read in ranges, wherever it is.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/bytes.hpp"
#include "ports/bytes_io.hpp"

namespace tessera {

/// One version of an object.
class RangedObject {
 public:
  virtual ~RangedObject() = default;
  /// Passes `count` bytes from `first` on to `out` as they arrive; requests are repeated where that may help.
  /// Throws what ObjectStore::get() throws, and Error(conflict) if the object has another version now. Safe from
  /// several threads.
  virtual void read(std::int64_t first, std::int64_t count, ByteSink& out) = 0;
};

struct OpenedObject {
  std::unique_ptr<RangedObject> object;
  std::int64_t size = 0;
  std::string version;  ///< its entity tag, or what else tells versions apart
  Bytes head;  ///< its first bytes, read by the request that opened it; all of it if there are no ranges
};

/// Appends what is written to `bytes`. Throws Error(limit_exceeded) for more than `max_bytes`, where a server sends
/// the whole file although a part was asked for.
class BytesSink final : public ByteSink {
 public:
  explicit BytesSink(Bytes& bytes, std::int64_t max_bytes) : bytes_(bytes), max_bytes_(max_bytes) {}
  void write(std::span<const std::byte> bytes) override;

 private:
  Bytes& bytes_;
  std::int64_t max_bytes_;
};

/// What every reader says of an object that has changed. Throws Error(conflict).
[[noreturn]] void fail_for_changed_object(const std::string& name);

}  // namespace tessera
