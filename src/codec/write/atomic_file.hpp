// A file that appears whole or not at all.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

namespace tessera {

/// Written without a name (O_TMPFILE), so that even a kill leaves nothing; commit() gives it its name in one
/// step, replacing what had it. Where the file system cannot do that, a hidden temporary name is used and
/// removed by the destructor. "-" stands for standard output, which gets the bytes at commit().
class AtomicFile {
 public:
  /// Throws Error(io, not_found) if the folder is missing or not writable.
  explicit AtomicFile(std::filesystem::path target);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  /// Appends. Throws Error(io), for example when the disk is full.
  void write(std::span<const std::byte> bytes);
  /// Overwrites bytes that were written before.
  void write_at(std::int64_t offset, std::span<const std::byte> bytes);
  void commit();
  [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
  [[noreturn]] void fail(const std::string& what) const;
  void copy_to_standard_output();

  std::filesystem::path target_;
  std::filesystem::path temporary_;  ///< empty while the file has no name
  int descriptor_ = -1;
};

}  // namespace tessera
