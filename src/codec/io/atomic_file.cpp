// SPDX-License-Identifier: Apache-2.0
#include "codec/io/atomic_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "base/bytes.hpp"
#include "base/error.hpp"
#include "base/file_descriptor.hpp"
#include "codec/io/output_target.hpp"
#include "codec/io/temporary_names.hpp"

namespace tessera {
namespace {

constexpr mode_t file_mode = 0666;  // the process's umask decides

std::filesystem::path folder_of(const std::filesystem::path& target) {
  const std::filesystem::path folder = target.parent_path();
  return folder.empty() ? "." : folder;
}

std::string name_or_default(const std::filesystem::path& target, std::string name) {
  return !name.empty() ? std::move(name) : target == "-" ? "standard output" : target.string();
}

std::string reason() { return std::error_code(errno, std::generic_category()).message(); }

}  // namespace

AtomicFile::AtomicFile(const std::filesystem::path& target, std::string name)
    : name_(name_or_default(target, std::move(name))) {
  find_target(target);
  open_nameless();
}

void AtomicFile::find_target(const std::filesystem::path& target) {
  if (is_standard_output(target)) {
    stream_ = STDOUT_FILENO;
    return;
  }
  const OutputTarget found = find_output_target(target);
  if (found.kind == OutputKind::folder) {
    throw Error(ErrorCode::io, fmt::format("Cannot write '{}': it is a folder. Name a file in it.", name_),
                name_);
  }
  if (found.kind == OutputKind::stream) {
    stream_ = open_stream(found.path);
    owns_stream_ = true;
  } else {
    target_ = found.path;
  }
}

AtomicFile::AtomicFile(Partial, const std::filesystem::path& target, std::string name)
    : name_(name_or_default(target, std::move(name))), keeps_(true) {
  find_target(target);
  if (target_.empty()) {
    throw Error(ErrorCode::usage,
                fmt::format("'{}' cannot be resumed, because it is no file: leave out --resume.", name_),
                name_);
  }
  const std::filesystem::path partial =
      folder_of(target_) / fmt::format(".{}.tessera-partial", target_.filename().string());
  descriptor_ = open(partial.c_str(), O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW, file_mode);
  if (descriptor_ < 0) {
    fail(fmt::format("opening the partial result '{}' failed", partial.string()));
  }
  if (flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
    close(std::exchange(descriptor_, -1));
    throw Error(
        ErrorCode::conflict,
        fmt::format("Cannot write '{}': another process is making it. Wait for it, or end it.", name_),
        name_);
  }
  temporary_ = partial;
}

std::unique_ptr<AtomicFile> AtomicFile::open_partial(const std::filesystem::path& target, std::string name) {
  return std::unique_ptr<AtomicFile>(new AtomicFile(Partial{}, target, std::move(name)));
}

AtomicFile::AtomicFile(Temporary, std::string name) : name_(std::move(name)) { open_nameless(); }

std::unique_ptr<AtomicFile> AtomicFile::make_temporary(std::string name) {
  auto file = std::unique_ptr<AtomicFile>(new AtomicFile(Temporary{}, std::move(name)));
  if (!file->temporary_.empty()) {
    unlink(file->temporary_.c_str());
    file->temporary_.clear();
  }
  return file;
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) {
    close(descriptor_);
  }
  if (owns_stream_) {
    close(stream_);
  }
  if (!temporary_.empty() && !keeps_) {
    unlink(temporary_.c_str());
  }
}

void AtomicFile::open_nameless() {
  const std::filesystem::path folder = this->folder();
  descriptor_ = open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, file_mode);
  if (descriptor_ >= 0) {
    return;
  }
  if (errno == ENOENT && !std::filesystem::exists(folder)) {
    throw Error(ErrorCode::io,
                fmt::format("Cannot write '{}': the folder '{}' does not exist. Create it first.", name_,
                            folder.string()),
                name_);
  }
  if (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT) {
    temporary_ = hidden_name_in(folder);
    descriptor_ = open(temporary_.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, file_mode);
  }
  if (descriptor_ < 0) {
    temporary_.clear();
    fail("opening it in that folder failed");
  }
}

void AtomicFile::fail(const std::string& what) const {
  throw Error(ErrorCode::io, fmt::format("Cannot write '{}': {} ({}).", name_, what, reason()), name_);
}

void AtomicFile::write(std::span<const std::byte> bytes) { write_at(size_, bytes); }

void AtomicFile::write_at(std::int64_t offset, std::span<const std::byte> bytes) {
  if (!pwrite_all(descriptor_, offset, bytes)) {
    fail("writing failed");
  }
  size_ = std::max(size_, offset + static_cast<std::int64_t>(bytes.size()));
}

std::filesystem::path AtomicFile::folder() const {
  return target_.empty() ? std::filesystem::temp_directory_path() : folder_of(target_);
}

void AtomicFile::copy_from(int descriptor, std::int64_t offset, std::int64_t bytes) {
  Bytes buffer;
  while (bytes > 0) {
    off_t from = offset;
    off_t to = size_;
    ssize_t count = buffer.empty() ? copy_file_range(descriptor, &from, descriptor_, &to,
                                                     static_cast<std::size_t>(bytes), 0)
                                   : -1;
    if (count <= 0) {
      // Not between these file systems, or not on this kernel.
      constexpr std::int64_t buffer_bytes = 1 << 20;
      buffer.resize(static_cast<std::size_t>(std::min(bytes, buffer_bytes)));
      count = pread(descriptor, buffer.data(), buffer.size(), offset);
      if (count <= 0) {
        fail("reading what was written back failed");
      }
      write(std::span(buffer).first(static_cast<std::size_t>(count)));
    } else {
      size_ += count;
    }
    offset += count;
    bytes -= count;
  }
}

void AtomicFile::copy_to(int stream) {
  std::array<std::byte, 1 << 16> buffer;
  std::int64_t offset = 0;
  for (;;) {
    const ssize_t count = pread(descriptor_, buffer.data(), buffer.size(), offset);
    if (count < 0) {
      fail("reading the finished image back failed");
    }
    if (count == 0) {
      return;
    }
    offset += count;
    for (ssize_t done = 0; done < count;) {
      const ssize_t written = ::write(stream, buffer.data() + done, static_cast<std::size_t>(count - done));
      if (written < 0 && errno != EINTR) {
        fail("writing into it failed");
      }
      done += std::max<ssize_t>(0, written);
    }
  }
}

void AtomicFile::commit() {
  struct stat finished {};
  if (fstat(descriptor_, &finished) != 0) {
    fail("looking at the finished file failed");
  }
  if (stream_ >= 0) {
    copy_to(stream_);
  } else if (!target_.empty()) {
    take_over_attributes(target_, descriptor_);
    give_name();
  }
  committed_bytes_ = finished.st_size;
}

/// linkat() cannot replace a file, rename() can: so a finished file has a temporary name first.
bool AtomicFile::link_temporary() {
  const std::filesystem::path name = hidden_name_in(folder_of(target_));
  const std::string self = fmt::format("/proc/self/fd/{}", descriptor_);
  if (linkat(AT_FDCWD, self.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) != 0) {
    return false;
  }
  temporary_ = name;
  return true;
}

std::filesystem::path AtomicFile::expose() {
  if (target_.empty() || (temporary_.empty() && !link_temporary())) {
    return {};
  }
  return std::filesystem::absolute(temporary_);
}

void AtomicFile::give_name() {
  if ((temporary_.empty() && !link_temporary()) || rename(temporary_.c_str(), target_.c_str()) != 0) {
    fail("giving the finished file its name failed");
  }
  temporary_.clear();
}

}  // namespace tessera
