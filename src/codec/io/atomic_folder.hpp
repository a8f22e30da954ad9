// SPDX-License-Identifier: Apache-2.0
// A folder of files that appears whole or not at all.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/file_descriptor.hpp"

namespace tessera {

/// A folder that is open: files in it are named by their path below it. Const members may be called from any thread.
class FolderFiles {
 public:
  /// `name` is what sentences call the result. Nothing, with errno, if the folder cannot be opened. Links are not
  /// followed.
  [[nodiscard]] static std::optional<FolderFiles> open(const std::filesystem::path& folder, std::string name);
  /// Makes a file of these parts, one behind the other, and the folders that lead to it; but never the first folder
  /// of `path`, without which nothing can be written any more. Throws Error(io).
  void write(const std::string& path, std::span<const std::span<const std::byte>> parts) const;
  /// Makes one folder. Throws Error(io).
  void make_folder(const std::string& path) const;
  /// The content of a file. Throws Error(io).
  [[nodiscard]] Bytes read(const std::string& path) const;
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] int descriptor() const { return folder_.get(); }

 private:
  FolderFiles(FileDescriptor folder, std::string name) : folder_(std::move(folder)), name_(std::move(name)) {}
  [[nodiscard]] int open_new(const std::string& path) const;
  [[noreturn]] void fail(const std::string& what) const;

  FileDescriptor folder_;
  std::string name_;
};

/// What is made in a hidden folder beside its place, ".tessera-*.part", and gets its names when all of it is complete.
/// The destructor removes what has not been committed; a kill leaves the hidden folder, which nobody looks at again.
class AtomicFolder {
 public:
  /// Under this folder of files() lies what will get a name.
  static constexpr std::string_view content = "new";
  /// A file or folder directly in `content`, and its name in the parent folder.
  struct Entry {
    std::string made_as;
    std::string name;
  };

  /// `parent`: where the entries will be; the last of them is what makes the result visible. `name`: what sentences
  /// call the result. Throws Error(io) if the folder is missing or not writable, or a name is too long.
  AtomicFolder(const std::filesystem::path& parent, std::vector<Entry> entries, std::string name);
  AtomicFolder(const AtomicFolder&) = delete;
  AtomicFolder& operator=(const AtomicFolder&) = delete;
  ~AtomicFolder();

  [[nodiscard]] const FolderFiles& files() const { return *files_; }
  /// The hidden folder, from the root of the file system.
  [[nodiscard]] std::filesystem::path path() const { return std::filesystem::absolute(hidden_); }
  /// Gives all entries their names, in order, and removes what had them. One entry takes the place of an older one in
  /// one step; of several, the older last one goes first, so that it never stands beside what it does not describe.
  /// Throws Error(io); what had the names then has them again.
  void commit();

 private:
  /// How an entry has got its name. `exchanged`: what had it lies where the entry was made.
  enum class Placed : std::uint8_t { no, exchanged, moved };
  [[noreturn]] void fail(const std::string& what) const;
  [[nodiscard]] std::filesystem::path old_name(std::size_t entry) const;
  [[nodiscard]] bool place(std::size_t entry);
  void take_back() noexcept;

  std::filesystem::path parent_;
  std::filesystem::path hidden_;
  std::vector<Entry> entries_;
  std::string name_;
  std::optional<FolderFiles> files_;
  std::vector<Placed> placed_;  ///< of each entry
};

}  // namespace tessera
