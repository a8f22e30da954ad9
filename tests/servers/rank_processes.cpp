// SPDX-License-Identifier: Apache-2.0
#include "servers/rank_processes.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <string>

#include "servers/server_process.hpp"

namespace tessera::testing {

namespace fs = std::filesystem;

std::vector<pid_t> ranks_of(pid_t ancestor) {
  std::map<pid_t, pid_t> parents;
  std::vector<pid_t> ranks;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) {
      continue;
    }
    const std::string status = read_file(entry.path() / "status");
    const std::size_t parent = status.find("PPid:");
    if (parent != std::string::npos) {
      parents[std::stoi(name)] = std::stoi(status.substr(parent + 5));
    }
  }
  for (const auto& [process, parent] : parents) {
    pid_t above = process;
    while (above > 1 && above != ancestor) {
      const auto found = parents.find(above);
      above = found == parents.end() ? 0 : found->second;
    }
    const std::string command = read_file(fmt::format("/proc/{}/cmdline", process));
    const std::size_t end_of_program = command.find('\0');
    if (above == ancestor && end_of_program != std::string::npos &&
        command.substr(0, end_of_program).ends_with("/tessera") &&
        command.substr(end_of_program + 1).starts_with("worker")) {
      ranks.push_back(process);
    }
  }
  return ranks;
}

}  // namespace tessera::testing
