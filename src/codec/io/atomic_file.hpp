// SPDX-License-Identifier: Apache-2.0
// A file that appears whole or not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace tessera {

/// Written without a name (O_TMPFILE), so that even a kill leaves nothing; commit() gives it its name in one
/// step, replacing what had it. Where the file system cannot do that, a hidden temporary name is used and
/// removed by the destructor.
///
/// Symbolic links are followed: what they lead to is written, and made where there is nothing yet. A file
/// that is replaced passes on its mode and, as far as this process may, its owner, group and extended
/// attributes; its other hard links keep the old content. Devices, FIFOs, sockets and open files behind a
/// name such as /dev/stdout are never replaced: they get the bytes, from first to last, at commit(). "-"
/// stands for standard output.
class AtomicFile {
 public:
  /// Throws Error(io) if the folder is missing or not writable, or the stream cannot be opened. Waits for the
  /// reader of a FIFO.
  /// `name` is what sentences call it; empty: the path.
  explicit AtomicFile(const std::filesystem::path& target, std::string name = {});
  /// A file in the system's temporary folder that never gets a name: its descriptor is all there is of it, also
  /// after commit(). `name` is what sentences call it.
  [[nodiscard]] static std::unique_ptr<AtomicFile> make_temporary(std::string name);
  /// One that outlives its process if it is not finished, under a hidden name beside `target`
  /// (".NAME.tessera-partial"): what is in it from before is still there, but size() begins at 0. Only one process
  /// has it at a time. Throws Error(usage) if `target` is no file, Error(conflict) if another process has it.
  [[nodiscard]] static std::unique_ptr<AtomicFile> open_partial(const std::filesystem::path& target,
                                                                std::string name = {});
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  /// Appends. Throws Error(io), for example when the disk is full.
  void write(std::span<const std::byte> bytes);
  /// Overwrites bytes that were written before, or leaves a gap behind them.
  void write_at(std::int64_t offset, std::span<const std::byte> bytes);
  /// Leaves room at the end for bytes that another process writes before commit().
  void skip(std::int64_t bytes) { size_ += bytes; }
  /// Appends bytes of another file, without taking them through this process where the system can.
  void copy_from(int descriptor, std::int64_t offset, std::int64_t bytes);
  /// Bytes written and skipped.
  [[nodiscard]] std::int64_t size() const { return size_; }
  /// Gives the file its hidden temporary name already, under which other machines find it, and returns that.
  /// Empty if that cannot be done here.
  [[nodiscard]] std::filesystem::path expose();
  [[nodiscard]] const std::string& name() const { return name_; }
  /// Where the file without a name lies.
  [[nodiscard]] std::filesystem::path folder() const;
  void commit();
  /// Of what is being written; it can be read and written at any place.
  [[nodiscard]] int descriptor() const { return descriptor_; }
  /// Of a partial file: its name, and that it is removed after all.
  [[nodiscard]] const std::filesystem::path& partial() const { return temporary_; }
  void discard_partial() { keeps_ = false; }
  /// Bytes of the finished file. 0 before commit().
  [[nodiscard]] std::int64_t committed_bytes() const { return committed_bytes_; }

 private:
  struct Temporary {};
  AtomicFile(Temporary, std::string name);
  struct Partial {};
  AtomicFile(Partial, const std::filesystem::path& target, std::string name);
  void find_target(const std::filesystem::path& target);
  [[noreturn]] void fail(const std::string& what) const;
  void open_nameless();
  void copy_to(int stream);
  [[nodiscard]] bool link_temporary();
  void give_name();

  std::string name_;              ///< in sentences
  std::filesystem::path target_;  ///< the file to make or replace; empty for a stream and a temporary file
  int stream_ = -1;
  bool owns_stream_ = false;
  std::filesystem::path temporary_;  ///< empty while the file has no name
  bool keeps_ = false;               ///< under that name, if it is not finished
  int descriptor_ = -1;
  std::int64_t size_ = 0;
  std::int64_t committed_bytes_ = 0;
};

}  // namespace tessera
