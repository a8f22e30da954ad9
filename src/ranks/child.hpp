// SPDX-License-Identifier: Apache-2.0
// Starting child processes.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace tessera {

struct ChildOutput {
  int out = -1;  ///< descriptors for its standard output and error; -1: inherited
  int err = -1;
};
struct StartedChild {
  pid_t pid = -1;   ///< the caller must wait for it in any case
  int failure = 0;  ///< errno, if the program could not be run
};

/// Starts `command` as the leader of a new process group (so Ctrl-C does not reach it), with empty standard
/// input and no signal blocked or ignored; it gets SIGTERM when the calling thread ends. Throws Error(io) if
/// no process can be created.
[[nodiscard]] StartedChild start_child(std::vector<std::string> command, std::vector<std::string> environment,
                                       const ChildOutput& output);

}  // namespace tessera
