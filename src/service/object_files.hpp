// SPDX-License-Identifier: Apache-2.0
// Objects as open files, for readers that go to any place in them: the store's own file where it is a local folder,
// else a copy on this machine's disk.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "base/file_descriptor.hpp"
#include "ports/object_store.hpp"

namespace tessera::service {

struct ObjectFilesOptions {
  std::filesystem::path folder;                           ///< for copies, which have no names in it
  std::int64_t max_bytes = std::int64_t{16} << 30;        ///< of all copies that are kept
  std::int64_t max_object_bytes = std::int64_t{4} << 30;  ///< of one that is copied
};

/// Copies are kept until others need their room, and by those who use them. Safe to use from many threads.
class ObjectFiles {
 public:
  ObjectFiles(ObjectFilesOptions options, ObjectStore& objects);

  /// The object that `info` describes, open for reading only. Several requests for one object wait for one copy;
  /// `check` is called several times a second meanwhile, and may throw. Throws Error(limit_exceeded) for an object
  /// that is too large to be copied, Error(conflict) if the object has changed, and what the store throws.
  [[nodiscard]] std::shared_ptr<const FileDescriptor> open(const ObjectInfo& info,
                                                           const std::function<void()>& check);

 private:
  struct Copy {
    std::string key;
    std::int64_t bytes = 0;
    std::shared_ptr<const FileDescriptor> file;
  };
  [[nodiscard]] std::shared_ptr<const FileDescriptor> copy(const ObjectInfo& info,
                                                           const std::function<void()>& check);
  void keep(Copy copy);

  const ObjectFilesOptions options_;
  ObjectStore& objects_;
  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_:
  std::list<Copy> copies_;  ///< used last in front
  std::int64_t bytes_ = 0;
  std::set<std::string> under_way_;
};

/// Stands for a version of an object.
[[nodiscard]] std::string version_of(const ObjectInfo& info);

}  // namespace tessera::service
