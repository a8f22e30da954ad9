// The files of one task between a node and its ranks. Ranks see neither where the image lies nor where the
// result goes: the image is handed over open, and the result is fetched from the folder in which ranks may
// write.
#pragma once

#include <filesystem>
#include <string>

#include "node/rank_group.hpp"

namespace tessera {

class TaskFiles {
 public:
  /// Throws Error(not_found, io) if the image cannot be opened.
  TaskFiles(const RankTask& task, const RankGroupOptions& options);
  /// Removes what is left of them.
  ~TaskFiles();
  TaskFiles(const TaskFiles&) = delete;
  TaskFiles& operator=(const TaskFiles&) = delete;

  /// The open image, or -1 where ranks of other hosts get a path.
  [[nodiscard]] int descriptor() const { return image_.get(); }
  [[nodiscard]] bool attached() const { return static_cast<bool>(image_); }
  /// Path for ranks; empty if the image is handed over open.
  [[nodiscard]] std::string input() const { return copy_.string(); }
  [[nodiscard]] std::string output() const { return written_.string(); }
  /// Moves the result of a task that is done to its place. Throws Error(io).
  void collect(const RankOutcome& outcome) const;

 private:
  std::filesystem::path place_;
  FileDescriptor image_;
  std::filesystem::path copy_;
  std::filesystem::path written_;
};

}  // namespace tessera
