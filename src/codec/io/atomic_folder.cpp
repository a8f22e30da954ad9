// SPDX-License-Identifier: Apache-2.0
#include "codec/io/atomic_folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <system_error>
#include <thread>

#include "base/error.hpp"
#include "codec/io/temporary_names.hpp"

namespace tessera {
namespace {

namespace fs = std::filesystem;

constexpr mode_t folder_mode = 0777;  // the process's umask decides
constexpr mode_t file_mode = 0666;

std::string reason() { return std::generic_category().message(errno); }

bool exchange(const fs::path& one, const fs::path& other) {
  return ::renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE) == 0;
}

/// Another rank that has not heard of a failure yet may still be making a file in it.
void remove_with_retries(const fs::path& folder) noexcept {
  constexpr int attempts = 50;
  constexpr auto pause = std::chrono::milliseconds(20);
  for (int attempt = 0; attempt < attempts; ++attempt) {
    std::error_code failure;
    fs::remove_all(folder, failure);
    if (!failure) {
      return;
    }
    std::this_thread::sleep_for(pause);
  }
}

}  // namespace

std::optional<FolderFiles> FolderFiles::open(const fs::path& folder, std::string name) {
  FileDescriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!opened) {
    return std::nullopt;
  }
  return FolderFiles(std::move(opened), std::move(name));
}

void FolderFiles::make_folder(const std::string& path) const {
  if (::mkdirat(folder_.get(), path.c_str(), folder_mode) != 0 && errno != EEXIST) {
    fail("making a folder in it failed");
  }
}

int FolderFiles::open_new(const std::string& path) const {
  return ::openat(folder_.get(), path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
                  file_mode);
}

void FolderFiles::write(const std::string& path, std::span<const std::span<const std::byte>> parts) const {
  FileDescriptor file(open_new(path));
  if (!file && errno == ENOENT) {
    for (std::size_t end = path.find('/', path.find('/') + 1); end != std::string::npos;
         end = path.find('/', end + 1)) {
      make_folder(path.substr(0, end));
    }
    file.reset(open_new(path));
  }
  if (!file) {
    fail("making a file in it failed");
  }
  std::int64_t offset = 0;
  for (const std::span<const std::byte> part : parts) {
    if (!pwrite_all(file.get(), offset, part)) {
      fail("writing failed");
    }
    offset += static_cast<std::int64_t>(part.size());
  }
  // On a network file system lack of space shows now.
  if (::close(file.release()) != 0) {
    fail("writing failed");
  }
}

Bytes FolderFiles::read(const std::string& path) const {
  const FileDescriptor file(::openat(folder_.get(), path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) {
    fail("reading what was written back failed");
  }
  Bytes bytes(static_cast<std::size_t>(status.st_size));
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t count =
        ::pread(file.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
    if (count <= 0 && !(count < 0 && errno == EINTR)) {
      errno = count == 0 ? EIO : errno;
      fail("reading what was written back failed");
    }
    done += static_cast<std::size_t>(std::max<ssize_t>(0, count));
  }
  return bytes;
}

void FolderFiles::fail(const std::string& what) const {
  throw Error(ErrorCode::io, fmt::format("Cannot write '{}': {} ({}).", name_, what, reason()), name_);
}

AtomicFolder::AtomicFolder(const fs::path& parent, std::vector<Entry> entries, std::string name)
    : parent_(parent.empty() ? fs::path(".") : parent),
      entries_(std::move(entries)),
      name_(std::move(name)),
      placed_(entries_.size(), Placed::no) {
  for (const Entry& entry : entries_) {
    struct stat status {};
    if (::lstat((parent_ / entry.name).c_str(), &status) != 0 && errno == ENAMETOOLONG) {
      fail(fmt::format("the name '{}' is too long", entry.name));
    }
  }
  fs::path hidden = hidden_name_in(parent_);
  if (::mkdir(hidden.c_str(), folder_mode) != 0) {
    if (errno == ENOENT) {
      throw Error(ErrorCode::io,
                  fmt::format("Cannot write '{}': the folder '{}' does not exist. Create it first.", name_,
                              parent_.string()),
                  name_);
    }
    fail("making a folder beside it failed");
  }
  hidden_ = std::move(hidden);
  try {
    files_ = FolderFiles::open(hidden_, name_);
    if (!files_) {
      fail("opening the folder that it is made in failed");
    }
    files_->make_folder(std::string(content));
  } catch (...) {
    remove_with_retries(hidden_);
    throw;
  }
}

AtomicFolder::~AtomicFolder() {
  // Without that folder other ranks make no more files, so that the rest can be removed.
  std::error_code ignored;
  fs::rename(hidden_ / content, hidden_ / "removed", ignored);
  remove_with_retries(hidden_);
}

void AtomicFolder::fail(const std::string& what) const {
  throw Error(ErrorCode::io, fmt::format("Cannot write '{}': {} ({}).", name_, what, reason()), name_);
}

fs::path AtomicFolder::old_name(std::size_t entry) const { return hidden_ / fmt::format("old-{}", entry); }

bool AtomicFolder::place(std::size_t entry) {
  const fs::path made = hidden_ / content / entries_[entry].made_as;
  const fs::path target = parent_ / entries_[entry].name;
  // Both change places, where the file system can do that: there is no moment without a result.
  if (exchange(made, target)) {
    placed_[entry] = Placed::exchanged;
    return true;
  }
  if (::rename(target.c_str(), old_name(entry).c_str()) != 0 && errno != ENOENT) {
    return false;
  }
  if (::rename(made.c_str(), target.c_str()) != 0) {
    return false;
  }
  placed_[entry] = Placed::moved;
  return true;
}

void AtomicFolder::commit() {
  const std::size_t last = entries_.size() - 1;
  const bool several = entries_.size() > 1;
  if (several && ::rename((parent_ / entries_[last].name).c_str(), old_name(last).c_str()) != 0 &&
      errno != ENOENT) {
    fail("the older result cannot be replaced");
  }
  for (std::size_t entry = 0; entry < entries_.size(); ++entry) {
    if (!place(entry)) {
      const int why = errno;
      take_back();
      errno = why;
      fail("giving the finished result its name failed");
    }
  }
}

void AtomicFolder::take_back() noexcept {
  for (std::size_t entry = entries_.size(); entry-- > 0;) {
    std::error_code ignored;
    const fs::path made = hidden_ / content / entries_[entry].made_as;
    const fs::path target = parent_ / entries_[entry].name;
    if (placed_[entry] == Placed::exchanged) {
      static_cast<void>(exchange(made, target));
    } else if (placed_[entry] == Placed::moved) {
      fs::rename(target, made, ignored);
    }
    if (fs::exists(fs::symlink_status(old_name(entry), ignored))) {
      fs::rename(old_name(entry), target, ignored);
    }
  }
}

}  // namespace tessera
