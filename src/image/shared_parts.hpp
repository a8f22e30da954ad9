// SPDX-License-Identifier: Apache-2.0
// A result that is uploaded in parts, each by one rank, to a store that puts them together (S3's multipart upload).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace tessera {

/// Where part `number`, from 0, begins in the result; it ends where the next begins. Parts grow, so that 10,000 of
/// them, which is as many as stores take, hold more than 5 TiB, and the first ones are small: 8 MiB.
[[nodiscard]] constexpr std::int64_t begin_of_part(std::int64_t number) {
  constexpr std::int64_t first_bytes = std::int64_t{8} << 20;
  constexpr std::int64_t parts_of_a_size = 1000;
  const std::int64_t doublings = number / parts_of_a_size;
  return first_bytes * (parts_of_a_size * ((std::int64_t{1} << doublings) - 1) +
                        (number % parts_of_a_size) * (std::int64_t{1} << doublings));
}

/// The part that holds the byte at `offset`.
[[nodiscard]] constexpr std::int64_t part_at(std::int64_t offset) {
  std::int64_t low = 0;
  std::int64_t high = 20'000;
  while (high - low > 1) {
    const std::int64_t middle = (low + high) / 2;
    (begin_of_part(middle) <= offset ? low : high) = middle;
  }
  return low;
}

/// The root holds what it made itself, and the parts that are not complete, in a file of its own. Part 0, whose bytes
/// may still change at the end, is never uploaded by another rank.
class SharedParts {
 public:
  virtual ~SharedParts() = default;
  /// Root: bytes of its file. Throws Error(io).
  virtual void read_local(std::int64_t offset, std::span<std::byte> to) = 0;
  virtual void write_local(std::int64_t offset, std::span<const std::byte> bytes) = 0;
  /// Root: with each link whoever has it can upload that part, without credentials. Throws as stores do.
  [[nodiscard]] virtual std::vector<std::string> links(std::int64_t first, std::int64_t count) = 0;
  /// On any rank, from any thread: uploads a part by its link. Returns how the store calls its content. Throws as
  /// stores do.
  virtual std::string upload(const std::string& link, std::span<const std::byte> bytes) = 0;
  /// Root: that part is uploaded.
  virtual void add_uploaded(std::int64_t part, std::string tag) = 0;
};

}  // namespace tessera
