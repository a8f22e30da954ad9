// Starts this program again on several ranks, through mpirun.
#pragma once

#include <cstdint>
#include <string>

#include "command.hpp"
#include "console.hpp"

namespace tessera::cli {

struct Launch {
  int ranks = 2;
  std::string hostfile;  ///< of mpirun; empty: this host
  bool needs_stdin = false;
  std::int64_t max_stdin_bytes = 0;
  bool verbose = false;  ///< shows what mpirun itself says
};

/// Runs `mpirun -n RANKS tessera ARGUMENTS...` and returns the exit code of the ranks. Ctrl-C and SIGTERM are
/// passed on so that every rank stops in order; again, or when they do not answer, they are killed. Throws
/// Error(rank_lost) if a rank dies, Error(not_found) if there is no mpirun.
int launch(const Launch& options, const Arguments& arguments, Console& console);

}  // namespace tessera::cli
