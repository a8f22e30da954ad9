// SPDX-License-Identifier: Apache-2.0
// Programs that the load programs run to their end.
#pragma once

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "servers/server_process.hpp"

namespace tessera::bench {

using Command = std::vector<std::string>;

/// Runs a program and returns what it wrote to its standard output, which goes to a file in `folder`. Throws
/// std::runtime_error if it fails.
inline std::string output_of(const Command& command, const std::filesystem::path& folder) {
  std::string line = "exec";
  for (const std::string& word : command) {
    line += " '" + word + "'";
  }
  const std::filesystem::path out = folder / "output";
  line += " > '" + out.string() + "'";
  if (std::system(line.c_str()) != 0) {
    throw std::runtime_error(fmt::format("{} failed", line));
  }
  return testing::read_file(out);
}

}  // namespace tessera::bench
