// SPDX-License-Identifier: Apache-2.0
// Byte streams: bodies of gigabytes pass through these without being held in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.hpp"

namespace tessera {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  /// Fills as much of `out` as it can and returns the number of bytes read; 0 means the end (if `out` is not
  /// empty). Throws Error(io).
  virtual std::size_t read(std::span<std::byte> out) = 0;
  /// Total size in bytes, if it is known in advance.
  [[nodiscard]] virtual std::optional<std::int64_t> size() const = 0;
};

class ByteSink {
 public:
  virtual ~ByteSink() = default;
  /// Writes all of `bytes`. Throws Error(io).
  virtual void write(std::span<const std::byte> bytes) = 0;
};

/// Writes all of `bytes` to an open file. False, with the reason in errno, if that fails.
[[nodiscard]] bool write_all(int descriptor, std::span<const std::byte> bytes);

/// Reads a file from its beginning. Throws Error(not_found, io).
[[nodiscard]] std::unique_ptr<ByteSource> open_file_source(const std::filesystem::path& path);
/// `bytes` of a file from `offset` on. Throws Error(not_found, io).
[[nodiscard]] std::unique_ptr<ByteSource> open_file_part(const std::filesystem::path& path,
                                                         std::int64_t offset, std::int64_t bytes);
/// The content of a small file, such as one that holds settings or keys. Throws Error(not_found, io), and
/// Error(usage) if it has more than 64 KiB.
[[nodiscard]] std::string read_small_file(const std::filesystem::path& path);
/// Creates or overwrites a file. What was written is in the file when the sink is destroyed; close() throws
/// if closing fails.
class FileSink final : public ByteSink {
 public:
  /// A new file gets `mode`, restricted by the umask.
  explicit FileSink(const std::filesystem::path& path, unsigned mode = 0600);
  ~FileSink() override;
  FileSink(const FileSink&) = delete;
  FileSink& operator=(const FileSink&) = delete;
  void write(std::span<const std::byte> bytes) override;
  void close();

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
};

/// The bytes of `text`, which must live as long as the source.
[[nodiscard]] std::unique_ptr<ByteSource> memory_source(std::string_view text);

class StringSink final : public ByteSink {
 public:
  void write(std::span<const std::byte> bytes) override {
    text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  std::string text;
};

}  // namespace tessera
