// SPDX-License-Identifier: Apache-2.0
// Files and folders of a local object store. Private to the adapter.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "ports/bytes_io.hpp"

namespace tessera::disk {

// Incomplete files are locked by their writer, so that those of a dead process can be recognized. Where locks
// are not supported, and for files of an earlier release, which took none, age decides.
inline constexpr std::string_view locked_prefix = "locked_";

/// Throws Error(io): "Cannot DOING 'PATH': REASON."
[[noreturn]] void fail(const std::string& doing, const std::filesystem::path& path, int error);

/// Changes with every write of a file.
[[nodiscard]] std::string tag_of(const struct stat& status);

class StoreFile {
 public:
  StoreFile(const std::filesystem::path& path, int flags, const char* doing);
  /// Null if there is no such file in `folder`. Symbolic links are not followed: otherwise anyone who can
  /// write to the folder could make the service serve any file.
  [[nodiscard]] static std::unique_ptr<StoreFile> open_if_exists(const std::filesystem::path& folder,
                                                                 const std::filesystem::path& file);
  /// The same for the store's own folders and files.
  [[nodiscard]] static std::unique_ptr<StoreFile> open_own_if_exists(const std::filesystem::path& path);
  ~StoreFile();
  StoreFile(const StoreFile&) = delete;
  StoreFile& operator=(const StoreFile&) = delete;
  [[nodiscard]] int get() const { return descriptor_; }

  void write(std::span<const std::byte> bytes);
  /// All of it. Returns the number of bytes.
  std::int64_t write(ByteSource& body);
  void sync();

 private:
  StoreFile(std::filesystem::path path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}
  std::filesystem::path path_;
  int descriptor_;
};

/// Creates the folder and its parents, each synced before the next is created: a file system does not
/// guarantee a folder whose entry in the parent was not synced.
void make_folders(const std::filesystem::path& folder);

/// A file that is being written; removed unless it was moved to its final name.
class IncomingFile {
 public:
  explicit IncomingFile(const std::filesystem::path& folder);
  ~IncomingFile();
  IncomingFile(const IncomingFile&) = delete;
  IncomingFile& operator=(const IncomingFile&) = delete;

  StoreFile& file() { return file_; }
  /// Moves the file to `name` in the folder `root`, which must exist: if it is missing, the whole store is
  /// unavailable.
  void move_to(const std::filesystem::path& root, const std::filesystem::path& name);

 private:
  /// While the shared `folder_lock` is held, no other process can mistake the new, not yet locked file for a
  /// leftover.
  IncomingFile(const std::filesystem::path& folder, const StoreFile& folder_lock);

  std::filesystem::path path_;
  StoreFile file_;
  bool moved_ = false;
};

}  // namespace tessera::disk
