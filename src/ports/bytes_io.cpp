// SPDX-License-Identifier: Apache-2.0
#include "ports/bytes_io.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/error.hpp"
#include "base/file_descriptor.hpp"

namespace tessera {
namespace {

constexpr std::size_t max_small_file_bytes = 64 << 10;

[[noreturn]] void fail(const char* what, const std::filesystem::path& path) {
  const int reason = errno;
  throw Error(reason == ENOENT ? ErrorCode::not_found : ErrorCode::io,
              fmt::format("Cannot {} '{}': {}.", what, path.string(), std::strerror(reason)));
}

class FileSource final : public ByteSource {
 public:
  explicit FileSource(const std::filesystem::path& path)
      : path_(path), descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    struct stat status {};
    if (descriptor_ < 0 || fstat(descriptor_, &status) != 0) {
      fail("read", path_);
    }
    if (S_ISREG(status.st_mode)) {
      size_ = status.st_size;
    }
  }
  ~FileSource() override { ::close(descriptor_); }
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;

  std::size_t read(std::span<std::byte> out) override {
    std::size_t done = 0;
    while (done < out.size()) {
      const ssize_t count = ::read(descriptor_, out.data() + done, out.size() - done);
      if (count < 0 && errno != EINTR) {
        fail("read", path_);
      }
      if (count == 0) {
        break;
      }
      done += static_cast<std::size_t>(std::max<ssize_t>(0, count));
    }
    return done;
  }
  [[nodiscard]] std::optional<std::int64_t> size() const override { return size_; }

 private:
  std::filesystem::path path_;
  int descriptor_;
  std::optional<std::int64_t> size_;
};

class FilePart final : public ByteSource {
 public:
  FilePart(const std::filesystem::path& path, std::int64_t offset, std::int64_t bytes)
      : path_(path),
        descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)),
        at_(offset),
        end_(offset + bytes) {
    if (!descriptor_) {
      fail("read", path_);
    }
  }
  std::size_t read(std::span<std::byte> out) override {
    std::size_t done = 0;
    const auto wanted = static_cast<std::size_t>(std::min<std::int64_t>(std::ssize(out), end_ - at_));
    while (done < wanted) {
      const ssize_t count = ::pread(descriptor_.get(), out.data() + done, wanted - done, at_);
      if (count < 0 && errno != EINTR) {
        fail("read", path_);
      }
      if (count == 0) {
        break;
      }
      done += static_cast<std::size_t>(std::max<ssize_t>(0, count));
      at_ += std::max<ssize_t>(0, count);
    }
    return done;
  }
  [[nodiscard]] std::optional<std::int64_t> size() const override { return size_; }

 private:
  std::filesystem::path path_;
  FileDescriptor descriptor_;
  std::int64_t at_;
  std::int64_t end_;
  std::int64_t size_ = end_ - at_;
};

class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::string_view text) : rest_(text), size_(static_cast<std::int64_t>(text.size())) {}
  std::size_t read(std::span<std::byte> out) override {
    const std::size_t count = std::min(out.size(), rest_.size());
    std::memcpy(out.data(), rest_.data(), count);
    rest_.remove_prefix(count);
    return count;
  }
  [[nodiscard]] std::optional<std::int64_t> size() const override { return size_; }

 private:
  std::string_view rest_;
  std::int64_t size_;
};

}  // namespace

bool write_all(int descriptor, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
    if (count < 0 && errno != EINTR) {
      return false;
    }
    bytes = bytes.subspan(static_cast<std::size_t>(std::max<ssize_t>(0, count)));
  }
  return true;
}

std::unique_ptr<ByteSource> open_file_source(const std::filesystem::path& path) {
  return std::make_unique<FileSource>(path);
}

std::unique_ptr<ByteSource> open_file_part(const std::filesystem::path& path, std::int64_t offset,
                                           std::int64_t bytes) {
  return std::make_unique<FilePart>(path, offset, bytes);
}

std::string read_small_file(const std::filesystem::path& path) {
  const auto source = open_file_source(path);
  std::string text(max_small_file_bytes + 1, '\0');
  std::size_t size = 0;
  for (std::size_t count = 1; count > 0 && size < text.size(); size += count) {
    count = source->read(std::as_writable_bytes(std::span(text).subspan(size)));
  }
  if (size > max_small_file_bytes) {
    throw Error(ErrorCode::usage,
                fmt::format("'{}' has more than {} bytes.", path.string(), max_small_file_bytes));
  }
  text.resize(size);
  return text;
}

std::unique_ptr<ByteSource> memory_source(std::string_view text) {
  return std::make_unique<MemorySource>(text);
}

FileSink::FileSink(const std::filesystem::path& path, unsigned mode)
    : path_(path), descriptor_(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)) {
  if (descriptor_ < 0) {
    fail("write", path_);
  }
}

FileSink::~FileSink() {
  if (descriptor_ >= 0) {
    ::close(descriptor_);
  }
}

void FileSink::write(std::span<const std::byte> bytes) {
  if (!write_all(descriptor_, bytes)) {
    fail("write", path_);
  }
}

void FileSink::close() {
  const int descriptor = descriptor_;
  descriptor_ = -1;
  if (::close(descriptor) != 0) {
    fail("write", path_);
  }
}

}  // namespace tessera
