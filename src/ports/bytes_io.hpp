// Bytes that flow: bodies of gigabytes pass through these and never sit in memory.
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
  /// Fills `out` as far as it can and returns how many bytes came; 0 means the end (if `out` is not empty).
  /// Throws Error(io).
  virtual std::size_t read(std::span<std::byte> out) = 0;
  /// Bytes to come in all, where that is known before.
  [[nodiscard]] virtual std::optional<std::int64_t> size() const = 0;
};

class ByteSink {
 public:
  virtual ~ByteSink() = default;
  /// Takes all of `bytes`. Throws Error(io).
  virtual void write(std::span<const std::byte> bytes) = 0;
};

/// Writes all of `bytes` to an open file. False, with the reason in errno, if that fails.
[[nodiscard]] bool write_all(int descriptor, std::span<const std::byte> bytes);

/// Reads a file from its beginning. Throws Error(not_found, io).
[[nodiscard]] std::unique_ptr<ByteSource> open_file_source(const std::filesystem::path& path);
/// The whole of a file that is not big, as those are that hold settings and keys. Throws Error(not_found,
/// io), and Error(usage) if it has more than 64 KiB.
[[nodiscard]] std::string read_small_file(const std::filesystem::path& path);
/// Writes a new file, or over an old one. What was written is in the file when the sink is destroyed;
/// an error on closing is thrown by close().
class FileSink final : public ByteSink {
 public:
  /// A new file gets `mode`, less what the umask takes away.
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
