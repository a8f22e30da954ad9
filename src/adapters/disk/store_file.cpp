// SPDX-License-Identifier: Apache-2.0
#include "adapters/disk/store_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "adapters/disk/object_files.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/ids.hpp"

namespace tessera::disk {
namespace {

namespace fs = std::filesystem;

void sync_folder(const fs::path& folder) { StoreFile(folder, O_RDONLY | O_DIRECTORY, "open").sync(); }

}  // namespace

void fail(const std::string& doing, const fs::path& path, int error) {
  throw Error(ErrorCode::io, fmt::format("Cannot {} '{}': {}.", doing, path.string(), std::strerror(error)));
}

std::string tag_of(const struct stat& status) {
  return fmt::format("{}-{}.{:09}", status.st_ino, status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
}

StoreFile::StoreFile(const fs::path& path, int flags, const char* doing)
    : StoreFile(path, ::open(path.c_str(), flags | O_CLOEXEC, 0644)) {
  if (descriptor_ < 0) {
    fail(doing, path, errno);
  }
}

StoreFile::~StoreFile() {
  if (descriptor_ >= 0) {
    ::close(descriptor_);
  }
}

std::unique_ptr<StoreFile> StoreFile::open_if_exists(const fs::path& folder, const fs::path& file) {
  const int opened = open_beneath(folder, file);
  if (opened < 0 && errno != ENOENT && errno != ENOTDIR) {
    fail("open", folder / file, errno);
  }
  return opened < 0 ? nullptr : std::unique_ptr<StoreFile>(new StoreFile(folder / file, opened));
}

std::unique_ptr<StoreFile> StoreFile::open_own_if_exists(const fs::path& path) {
  const int opened = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (opened < 0 && errno != ENOENT && errno != ENOTDIR) {
    fail("open", path, errno);
  }
  return opened < 0 ? nullptr : std::unique_ptr<StoreFile>(new StoreFile(path, opened));
}

void StoreFile::write(std::span<const std::byte> bytes) {
  if (!write_all(descriptor_, bytes)) {
    fail("write", path_, errno);
  }
}

std::int64_t StoreFile::write(ByteSource& body) {
  constexpr std::size_t copy_bytes = std::size_t{256} << 10;
  std::vector<std::byte> buffer(copy_bytes);
  std::int64_t size = 0;
  while (const std::size_t count = body.read(buffer)) {
    write(std::span(buffer).first(count));
    size += static_cast<std::int64_t>(count);
  }
  return size;
}

void StoreFile::sync() {
  if (::fsync(descriptor_) != 0) {
    fail("write", path_, errno);
  }
}

void make_folders(const fs::path& folder) {
  if (folder.empty() || fs::is_directory(folder)) {
    return;
  }
  make_folders(folder.parent_path());
  if (::mkdir(folder.c_str(), 0755) == 0) {
    if (const auto above = StoreFile::open_own_if_exists(folder.parent_path())) {
      above->sync();
    }
  } else if (errno != EEXIST && errno != ENOENT) {  // the still empty parent may be removed concurrently
    fail("make the folder", folder, errno);
  }
}

IncomingFile::IncomingFile(const fs::path& folder)
    : IncomingFile(folder, StoreFile(folder, O_RDONLY | O_DIRECTORY, "open")) {}

IncomingFile::~IncomingFile() {
  if (!moved_) {
    ::unlink(path_.c_str());
  }
}

void IncomingFile::move_to(const fs::path& root, const fs::path& name) {
  const fs::path place = root / name;
  file_.sync();
  // The still empty folder may be removed concurrently between the two steps.
  constexpr int attempts = 100;
  for (int attempt = 1;; ++attempt) {
    if (std::error_code ignored; !fs::is_directory(root, ignored)) {
      throw Error(ErrorCode::unavailable, fmt::format("The folder '{}' does not exist.", root.string()));
    }
    make_folders(place.parent_path());
    if (::rename(path_.c_str(), place.c_str()) == 0) {
      break;
    }
    if (errno != ENOENT || attempt == attempts) {
      fail("make", place, errno);
    }
  }
  moved_ = true;
  sync_folder(place.parent_path());
}

IncomingFile::IncomingFile(const fs::path& folder, const StoreFile& folder_lock)
    : path_(folder / new_id(::flock(folder_lock.get(), LOCK_SH) == 0 ? "locked" : "put", system_now())),
      file_(path_, O_WRONLY | O_CREAT | O_EXCL, "make") {
  ::flock(file_.get(), LOCK_EX | LOCK_NB);  // cannot block: the file is new
}

}  // namespace tessera::disk
