// SPDX-License-Identifier: Apache-2.0
// Which files a command is about, from what a person types.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace tessera {

struct InputName {
  std::string file;         ///< or "-" for standard input, or the URL of an object
  std::string folder = {};  ///< where it lies below the folder that was searched: "2024/summer"; else empty
};

struct Inputs {
  std::vector<InputName> names;
  std::int64_t other_files = 0;  ///< in folders that were searched: not images by their content
};

/// What a program takes for what.
struct InputRules {
  std::function<bool(const std::string&)> is_standard_input;
  std::function<bool(const std::string&)> is_url;  ///< left as it is
  /// Of a file in a folder that is searched, by its content.
  std::function<bool(const std::filesystem::path&)> is_image;
};

/// Names as typed, with *, ? and [...] expanded where no file has the name itself (shells leave quoted patterns
/// alone), URLs of objects as they are, and other names of standard input, such as /dev/stdin, as "-". With
/// `recursive`, folders stand for the images in them and in the folders below, in the order of their names;
/// hidden files are left out. Throws Error(not_found) for a pattern that matches nothing, Error(usage) for a
/// folder alone that is not searched, and where standard input is a terminal.
[[nodiscard]] Inputs find_inputs(const std::vector<std::string>& typed, bool recursive,
                                 const InputRules& rules);

}  // namespace tessera
