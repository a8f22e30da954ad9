// SPDX-License-Identifier: Apache-2.0
#include "service/object_files.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "base/amount.hpp"
#include "base/error.hpp"

namespace tessera::service {
namespace {

constexpr std::chrono::milliseconds check_interval{200};
constexpr mode_t private_mode = 0600;

[[noreturn]] void fail(const std::string& what) {
  throw Error(ErrorCode::io, fmt::format("{} failed: {}.", what, std::generic_category().message(errno)));
}

class CopySink final : public ByteSink {
 public:
  CopySink(int descriptor, std::int64_t max_bytes, const std::function<void()>& check)
      : descriptor_(descriptor), max_bytes_(max_bytes), check_(check) {}
  void write(std::span<const std::byte> bytes) override {
    check_();
    if (size_ + std::ssize(bytes) > max_bytes_) {
      throw Error(ErrorCode::conflict, "The object has changed: ask again.");
    }
    if (!pwrite_all(descriptor_, size_, bytes)) {
      fail("Copying an object to this machine");
    }
    size_ += std::ssize(bytes);
  }

 private:
  int descriptor_;
  std::int64_t max_bytes_;
  const std::function<void()>& check_;
  std::int64_t size_ = 0;
};

}  // namespace

std::string version_of(const ObjectInfo& info) {
  return !info.etag.empty()
             ? fmt::format("{} {}", info.name, info.etag)
             : fmt::format("{} {} {}", info.name, info.size_bytes, info.modified.time_since_epoch().count());
}

ObjectFiles::ObjectFiles(ObjectFilesOptions options, ObjectStore& objects)
    : options_(std::move(options)), objects_(objects) {}

std::shared_ptr<const FileDescriptor> ObjectFiles::open(const ObjectInfo& info,
                                                        const std::function<void()>& check) {
  if (const auto path = objects_.local_file(info.name)) {
    auto file = std::make_shared<const FileDescriptor>(::open(path->c_str(), O_RDONLY | O_CLOEXEC));
    if (!*file) {
      fail("Opening an object");
    }
    return file;
  }
  if (info.size_bytes > std::min(options_.max_object_bytes, options_.max_bytes)) {
    throw Error(ErrorCode::limit_exceeded,
                fmt::format("The image has {}, and at most {} are copied to the gateway for a viewer.",
                            bytes_text(info.size_bytes),
                            bytes_text(std::min(options_.max_object_bytes, options_.max_bytes))));
  }
  const std::string key = version_of(info);
  std::unique_lock lock(mutex_);
  while (true) {
    const auto known = std::ranges::find(copies_, key, &Copy::key);
    if (known != copies_.end()) {
      copies_.splice(copies_.begin(), copies_, known);
      return copies_.front().file;
    }
    if (under_way_.insert(key).second) {
      break;
    }
    changed_.wait_for(lock, check_interval);
    lock.unlock();
    check();
    lock.lock();
  }
  lock.unlock();
  std::shared_ptr<const FileDescriptor> file;
  try {
    file = copy(info, check);
  } catch (...) {
    const std::scoped_lock again(mutex_);
    under_way_.erase(key);
    changed_.notify_all();
    throw;
  }
  lock.lock();
  under_way_.erase(key);
  keep({key, info.size_bytes, file});
  changed_.notify_all();
  return file;
}

std::shared_ptr<const FileDescriptor> ObjectFiles::copy(const ObjectInfo& info,
                                                        const std::function<void()>& check) {
  const FileDescriptor written(::open(options_.folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, private_mode));
  if (!written) {
    fail("Making a file for an object");
  }
  CopySink sink(written.get(), info.size_bytes, check);
  const ObjectInfo got = objects_.get(info.name, sink);
  if (version_of(got) != version_of(info)) {
    throw Error(ErrorCode::conflict, "The object has changed: ask again.");
  }
  // Processes that decode it must not be able to change it.
  auto file = std::make_shared<const FileDescriptor>(
      ::open(fmt::format("/proc/self/fd/{}", written.get()).c_str(), O_RDONLY | O_CLOEXEC));
  if (!*file) {
    fail("Opening a copied object");
  }
  return file;
}

void ObjectFiles::keep(Copy copy) {
  while (!copies_.empty() && bytes_ + copy.bytes > options_.max_bytes) {
    bytes_ -= copies_.back().bytes;
    copies_.pop_back();
  }
  bytes_ += copy.bytes;
  copies_.push_front(std::move(copy));
}

}  // namespace tessera::service
