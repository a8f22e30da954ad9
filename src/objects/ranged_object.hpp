// SPDX-License-Identifier: Apache-2.0
// An object in a bucket or on a web server, read in ranges.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/bytes.hpp"
#include "ports/bytes_io.hpp"
#include "ports/object_store.hpp"

namespace tessera {

/// One version of an object.
class RangedObject {
 public:
  virtual ~RangedObject() = default;
  /// Passes `count` bytes from `first` on to `out` as they arrive; requests are repeated where that may help.
  /// Throws what ObjectStore::get() throws, and Error(io) if the object has another version now. Safe from
  /// several threads.
  virtual void read(std::int64_t first, std::int64_t count, ByteSink& out) = 0;
};

struct OpenedObject {
  std::unique_ptr<RangedObject> object;
  std::int64_t size = 0;
  std::string version;  ///< its entity tag, or what else tells versions apart
  Bytes head;  ///< its first bytes, read by the request that opened it; all of it if there are no ranges
};

/// `head_bytes` are read with the first request.
[[nodiscard]] OpenedObject open_stored_object(std::shared_ptr<ObjectStore> store, const std::string& name,
                                              std::int64_t head_bytes);

/// Redirections are followed. A server without ranges sends the whole file, of at most 1 GiB.
[[nodiscard]] OpenedObject open_web_object(const std::string& url, std::int64_t head_bytes);

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

/// What every reader says of an object that has changed. Throws Error(io).
[[noreturn]] void fail_for_changed_object(const std::string& name);

}  // namespace tessera
