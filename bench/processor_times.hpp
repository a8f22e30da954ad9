// SPDX-License-Identifier: Apache-2.0
// Whose processor time was whose, from /proc.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "servers/server_process.hpp"

namespace tessera::bench {

inline double ticks_to_seconds(double ticks) { return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK)); }

/// Of all processors of the machine, by everyone, since it was started.
inline double machine_busy_seconds() {
  std::ifstream file("/proc/stat");
  std::string cpu;
  double user = 0;
  double nice = 0;
  double system = 0;
  double idle = 0;
  double waiting = 0;
  double interrupts = 0;
  double soft_interrupts = 0;
  file >> cpu >> user >> nice >> system >> idle >> waiting >> interrupts >> soft_interrupts;
  return ticks_to_seconds(user + nice + system + interrupts + soft_interrupts);
}

struct ProcessTimes {
  pid_t parent = 0;
  double seconds = 0;  ///< of its own threads and of its children that have ended
  double of_ended_children = 0;
};

inline std::map<pid_t, ProcessTimes> all_processes() {
  std::map<pid_t, ProcessTimes> result;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) {
      continue;
    }
    const std::string text = testing::read_file(entry.path() / "stat");  // empty when it has just ended
    const std::size_t name_end = text.rfind(')');
    if (name_end == std::string::npos) {
      continue;
    }
    std::istringstream fields(text.substr(name_end + 2));
    std::string state;
    ProcessTimes process;
    fields >> state >> process.parent;
    std::string skipped;
    for (int field = 0; field < 9; ++field) {
      fields >> skipped;
    }
    double user = 0;
    double system = 0;
    double user_of_children = 0;
    double system_of_children = 0;
    fields >> user >> system >> user_of_children >> system_of_children;
    process.of_ended_children = ticks_to_seconds(user_of_children + system_of_children);
    process.seconds = ticks_to_seconds(user + system) + process.of_ended_children;
    result.emplace(std::stoi(name), process);
  }
  return result;
}

/// Of a process and all that it has started.
inline double cpu_seconds(pid_t root, const std::map<pid_t, ProcessTimes>& processes) {
  double sum = 0;
  for (const auto& [pid, process] : processes) {
    for (pid_t at = pid; at > 1;) {
      if (at == root) {
        sum += process.seconds;
        break;
      }
      const auto found = processes.find(at);
      at = found == processes.end() ? 0 : found->second.parent;
    }
  }
  return sum;
}

}  // namespace tessera::bench
