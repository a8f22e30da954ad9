// SPDX-License-Identifier: Apache-2.0
// A result that is uploaded in parts, each by one rank, to a store that puts them together (S3's multipart upload).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/part_layout.hpp"

namespace tessera {

/// How parts get to the store.
class PartTransfers {
 public:
  virtual ~PartTransfers() = default;
  /// Root: with each link whoever has it can upload that part, without credentials. Of each part only once, in order.
  /// Throws as stores do.
  [[nodiscard]] virtual std::vector<std::string> links(std::int64_t first, std::int64_t count) = 0;
  /// On any rank, from any thread: uploads a part by its link. Returns how the store calls its content. Throws as
  /// stores do.
  virtual std::string upload(const std::string& link, std::span<const std::byte> bytes) = 0;
  /// Root: that part is uploaded.
  virtual void add_uploaded(std::int64_t part, std::string tag) = 0;
};

/// The root holds what it made itself, and the parts that are not complete, in a file of its own. Part 0, whose bytes
/// may still change at the end, is never uploaded by another rank.
class SharedParts : public PartTransfers {
 public:
  /// Root: bytes of its file. Throws Error(io).
  virtual void read_local(std::int64_t offset, std::span<std::byte> to) = 0;
  virtual void write_local(std::int64_t offset, std::span<const std::byte> bytes) = 0;
};

}  // namespace tessera
