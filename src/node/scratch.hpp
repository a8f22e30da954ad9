// SPDX-License-Identifier: Apache-2.0
// The folder for a node's temporary images and results.
#pragma once

#include <filesystem>

namespace tessera {

/// A folder that belongs to this process, is readable only by its user, and is removed with its contents at
/// the end. A killed process leaves its folder behind; the next one that uses the same parent folder removes
/// it. Liveness is shown by a lock on a file in the folder, which ends with its process in any case.
class ScratchFolder {
 public:
  /// Creates it in `place`, which must exist. Throws Error(io).
  explicit ScratchFolder(const std::filesystem::path& place);
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  [[nodiscard]] bool make(const std::filesystem::path& place);

  std::filesystem::path path_;
  int lock_ = -1;
};

}  // namespace tessera
