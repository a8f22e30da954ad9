// The folder in which a node keeps images and results under way.
#pragma once

#include <filesystem>

namespace tessera {

/// A folder of this process alone, readable by nobody else, and gone with all that is in it at the end. A
/// process that is killed leaves its folder behind; the next one that makes its own in the same place removes
/// it. Who is alive is told by a lock on a file in the folder, which ends with its process however that ends.
class ScratchFolder {
 public:
  /// Makes it in `place`, which must exist. Throws Error(io).
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
