// SPDX-License-Identifier: Apache-2.0
// The files of one task, shared between a node and its ranks. Ranks do not see the paths of the image and of
// the final result: the image is passed as an open file, and the result is moved from the folder that ranks
// may write to.
#pragma once

#include <filesystem>
#include <string>

#include "node/rank_group.hpp"

namespace tessera {

class TaskFiles {
 public:
  /// Throws Error(not_found, io) if the image cannot be opened.
  TaskFiles(const RankTask& task, const RankGroupOptions& options);
  /// Removes remaining files.
  ~TaskFiles();
  TaskFiles(const TaskFiles&) = delete;
  TaskFiles& operator=(const TaskFiles&) = delete;

  /// The open image, or -1 if ranks on other hosts get a path or a link.
  [[nodiscard]] int descriptor() const { return image_.get(); }
  [[nodiscard]] bool attached() const { return static_cast<bool>(image_); }
  /// Path of the image for ranks; empty if it is passed as an open file.
  [[nodiscard]] std::string input() const { return copy_.string(); }
  [[nodiscard]] std::string output() const { return written_.string(); }
  /// Moves the result of a completed task to its place. Throws Error(io).
  void collect(const RankOutcome& outcome) const;

 private:
  std::filesystem::path place_;
  FileDescriptor image_;
  std::filesystem::path copy_;
  std::filesystem::path written_;
};

}  // namespace tessera
