// SPDX-License-Identifier: Apache-2.0
// An open file descriptor, its end, and writing through it.
#pragma once

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace tessera {

class FileDescriptor {
 public:
  FileDescriptor() = default;
  /// Takes it over; -1: none.
  explicit FileDescriptor(int value) : value_(value) {}
  ~FileDescriptor() { reset(); }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  FileDescriptor(FileDescriptor&& other) noexcept : value_(other.release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    reset(other.release());
    return *this;
  }

  [[nodiscard]] int get() const { return value_; }
  [[nodiscard]] explicit operator bool() const { return value_ >= 0; }
  [[nodiscard]] int release() { return std::exchange(value_, -1); }
  void reset(int value = -1) {
    if (value_ >= 0) {
      ::close(value_);
    }
    value_ = value;
  }

 private:
  int value_ = -1;
};

/// Writes all bytes at `offset`, whatever the file's position. False, with errno, if that fails.
[[nodiscard]] bool pwrite_all(int descriptor, std::int64_t offset, std::span<const std::byte> bytes);

}  // namespace tessera
