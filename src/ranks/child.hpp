// A process that is started and watched.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace tessera {

struct ChildOutput {
  int out = -1;  ///< descriptors that become its standard output and error; -1: those of this program
  int err = -1;
};
struct StartedChild {
  pid_t pid = -1;   ///< to be waited for in any case
  int failure = 0;  ///< errno, if the program could not be run
};

/// Starts `command` as the leader of a process group of its own, with nothing on its standard input and no
/// signal blocked or ignored; it gets SIGTERM when the calling thread ends. Ctrl-C does not reach it. Throws
/// Error(io) if there can be no more processes.
[[nodiscard]] StartedChild start_child(std::vector<std::string> command, std::vector<std::string> environment,
                                       const ChildOutput& output);

}  // namespace tessera
