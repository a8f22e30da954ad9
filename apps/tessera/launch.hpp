// SPDX-License-Identifier: Apache-2.0
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
  bool verbose = false;          ///< shows what mpirun itself says
  double timeout_s = 0;          ///< for each image; 0: none
  double start_timeout_s = 180;  ///< from starting mpirun until a rank is heard of
};

/// Runs `mpirun -n RANKS tessera ARGUMENTS...` and returns the exit code of the ranks. Ctrl-C and SIGTERM are
/// passed on so that every rank stops in order; again, or when they do not answer, they are killed. Ranks
/// stop by themselves when an image's time is over; if one does not answer, all are killed ten seconds later.
/// Throws Error(rank_lost) if a rank dies or none is heard of, Error(limit_exceeded) that names ranks which did not answer,
/// Error(not_found) if there is no mpirun.
int launch(const Launch& options, const Arguments& arguments, Console& console);

}  // namespace tessera::cli
