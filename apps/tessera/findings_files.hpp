// SPDX-License-Identifier: Apache-2.0
// Where what operators found is written: a file for each image, or one for all.
#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"
#include "outputs.hpp"
#include "report.hpp"

namespace tessera::cli {

/// Of one process; not safe to use from several threads unless each image has a file of its own.
class FindingsFiles {
 public:
  /// `target`: a file, a folder, "-", or empty for none.
  FindingsFiles(std::string target, bool replace) : target_(std::move(target)), replace_(replace) {}

  /// Whether each image has a file of its own, in a folder.
  [[nodiscard]] bool in_folder() const;
  /// Makes the folder. Throws Error(usage, io) where something could not be written later.
  void prepare(const std::vector<WorkItem>& work);
  /// Throws Error(io).
  void write(const ImageReport& report);
  /// After the last image: what goes into a stream is written once, as a whole. Throws Error(io).
  void finish();

 private:
  /// An object for one image, else an array.
  [[nodiscard]] std::string text() const;

  std::string target_;
  bool replace_;
  bool at_end_ = false;  ///< what is written into a stream cannot be written anew
  std::vector<Json> findings_;
};

}  // namespace tessera::cli
