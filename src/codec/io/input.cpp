// SPDX-License-Identifier: Apache-2.0
#include "codec/io/input.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/error.hpp"

namespace tessera {
namespace {

constexpr std::size_t stream_buffer_bytes = 64 * 1024;

std::string system_message(int number) { return std::generic_category().message(number); }

class FileInput final : public Input {
 public:
  FileInput(const std::filesystem::path& path, const std::string& file_name)
      : Input(fmt::format("'{}'", file_name), 0) {
    // Opening a pipe without O_NONBLOCK would wait for a writer that may never come.
    descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor_ < 0) {
      const int number = errno;
      const bool missing = number == ENOENT || number == ENOTDIR || number == ENAMETOOLONG;
      throw Error(missing ? ErrorCode::not_found : ErrorCode::io,
                  fmt::format("The image {} cannot be opened: {}.", name(), system_message(number)), name());
    }
    take_size();
  }
  FileInput(int descriptor, const std::string& file_name)
      : Input(fmt::format("'{}'", file_name), 0), descriptor_(::fcntl(descriptor, F_DUPFD_CLOEXEC, 0)) {
    if (descriptor_ < 0) {
      throw Error(ErrorCode::io,
                  fmt::format("The image {} cannot be opened: {}.", name(), system_message(errno)), name());
    }
    take_size();
  }
  FileInput(const FileInput&) = delete;
  FileInput& operator=(const FileInput&) = delete;
  ~FileInput() override { ::close(descriptor_); }

  std::size_t read_at(std::int64_t offset, std::span<std::byte> to) const override {
    std::size_t done = 0;
    while (done < to.size()) {
      const ssize_t got =
          ::pread(descriptor_, to.data() + done, to.size() - done, offset + static_cast<std::int64_t>(done));
      if (got < 0 && errno == EINTR) {
        continue;
      }
      if (got < 0) {
        throw Error(ErrorCode::io,
                    fmt::format("Reading the image {} failed at byte {}: {}.", name(),
                                offset + static_cast<std::int64_t>(done), system_message(errno)),
                    name());
      }
      if (got == 0) {
        break;
      }
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

  void read_ahead(std::span<const ByteSpan> spans, std::int64_t max_bytes) const override {
    for (const ByteSpan& span : spans) {
      const std::int64_t bytes = std::min(span.bytes, max_bytes);
      if (bytes <= 0) {
        return;
      }
      static_cast<void>(::posix_fadvise(descriptor_, span.offset, bytes, POSIX_FADV_WILLNEED));
      max_bytes -= bytes;
    }
  }

 private:
  void take_size() {
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) {
      ::close(descriptor_);
      throw Error(ErrorCode::unsupported_input,
                  fmt::format("The image {} is {}, not a file.", name(),
                              S_ISDIR(status.st_mode) ? "a directory" : "a device or a pipe"),
                  name());
    }
    set_size(status.st_size);
  }

  int descriptor_ = -1;
};

class ViewInput : public Input {
 public:
  ViewInput(std::span<const std::byte> bytes, std::string name)
      : Input(std::move(name), static_cast<std::int64_t>(bytes.size())), bytes_(bytes) {}

  std::size_t read_at(std::int64_t offset, std::span<std::byte> to) const override {
    if (offset < 0 || offset >= size()) {
      return 0;
    }
    const auto part = bytes_.subspan(static_cast<std::size_t>(offset));
    const std::size_t count = std::min(part.size(), to.size());
    std::copy_n(part.begin(), count, to.begin());
    return count;
  }

 private:
  std::span<const std::byte> bytes_;
};

struct KeptBytes {
  Bytes kept;
};

class MemoryInput final : private KeptBytes, public ViewInput {
 public:
  MemoryInput(Bytes bytes, std::string name)
      : KeptBytes{std::move(bytes)}, ViewInput(kept, std::move(name)) {}
};

}  // namespace

void append_span(std::vector<ByteSpan>& spans, const ByteSpan& span) {
  if (!spans.empty() && spans.back().offset + spans.back().bytes == span.offset) {
    spans.back().bytes += span.bytes;
  } else {
    spans.push_back(span);
  }
}

std::shared_ptr<const Input> open_file_input(const std::filesystem::path& path, const std::string& name) {
  return std::make_shared<FileInput>(path, name);
}

std::shared_ptr<const Input> open_descriptor_input(int descriptor, const std::string& name) {
  return std::make_shared<FileInput>(descriptor, name);
}

std::shared_ptr<const Input> make_memory_input(Bytes bytes, std::string name) {
  return std::make_shared<MemoryInput>(std::move(bytes), std::move(name));
}

std::shared_ptr<const Input> make_view_input(std::span<const std::byte> bytes, std::string name) {
  return std::make_shared<ViewInput>(bytes, std::move(name));
}

InputStream::InputStream(std::shared_ptr<const Input> input, std::int64_t offset)
    : input_(std::move(input)), buffer_(stream_buffer_bytes), buffer_offset_(offset) {}

std::span<const std::byte> InputStream::peek() {
  if (at_ >= filled_) {
    buffer_offset_ += static_cast<std::int64_t>(at_);
    at_ = 0;
    filled_ = input_->read_at(buffer_offset_, buffer_);
  }
  return std::span(buffer_).subspan(at_, filled_ - at_);
}

int InputStream::get() {
  const auto bytes = peek();
  if (bytes.empty()) {
    return -1;
  }
  ++at_;
  return static_cast<int>(bytes.front());
}

std::size_t InputStream::read(std::span<std::byte> to) {
  std::size_t done = 0;
  while (done < to.size()) {
    const auto bytes = peek();
    if (bytes.empty()) {
      break;
    }
    const std::size_t count = std::min(bytes.size(), to.size() - done);
    std::memcpy(to.data() + done, bytes.data(), count);
    done += count;
    at_ += count;
  }
  return done;
}

void InputStream::seek(std::int64_t offset) {
  if (offset >= buffer_offset_ && offset <= buffer_offset_ + static_cast<std::int64_t>(filled_)) {
    at_ = static_cast<std::size_t>(offset - buffer_offset_);
    return;
  }
  buffer_offset_ = offset;
  filled_ = 0;
  at_ = 0;
}

}  // namespace tessera
