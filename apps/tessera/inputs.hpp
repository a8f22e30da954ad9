// SPDX-License-Identifier: Apache-2.0
// Which files a command reads.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tessera::cli {

struct InputName {
  std::string file;         ///< or "-" for standard input, or the URL of an object
  std::string folder = {};  ///< where it lies below the folder that was searched: "2024/summer"; else empty
};

struct Inputs {
  std::vector<InputName> names;
  std::int64_t other_files = 0;  ///< in folders that were searched: not images by their content
};

/// Names as typed, with *, ? and [...] expanded where no file has the name itself (shells leave quoted patterns
/// alone), URLs of objects as they are, and other names of standard input, such as /dev/stdin, as "-". With `recursive`, folders stand for the
/// images in them and in the folders below, in the order of their names; hidden files are left out. Throws
/// Error(not_found) for a pattern that matches nothing, Error(usage) for a folder alone that is not searched.
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
