// SPDX-License-Identifier: Apache-2.0
// Which files a command reads.
#pragma once

#include <sys/types.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "input_names.hpp"

namespace tessera::cli {

/// find_inputs() with what the engine reads: objects by their URLs too, images by their content.
[[nodiscard]] Inputs expand_inputs(const std::vector<std::string>& typed, bool recursive);

/// The files that must not be written because they are read, known by what they are rather than by name.
/// Looking one up takes the same time however many there are.
class InputFiles {
 public:
  explicit InputFiles(const std::vector<std::string>& inputs);
  /// Whether `file`, links followed, is one of them.
  [[nodiscard]] bool contains(const std::string& file) const;

 private:
  std::set<std::pair<dev_t, ino_t>> files_;
};

}  // namespace tessera::cli
