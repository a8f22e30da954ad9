// SPDX-License-Identifier: Apache-2.0
// Ranks as MPI processes.
#pragma once

#include <memory>

#include "comm/communicator.hpp"

namespace tessera {

/// True in a process that mpirun (or Slurm's srun) started.
[[nodiscard]] bool started_by_mpi();
/// Initialises MPI; the communicator of all ranks. Finalised when destroyed. Throws Error(rank_lost) if MPI
/// fails.
[[nodiscard]] std::unique_ptr<Communicator> make_mpi();
/// Ends all ranks at once with this exit code; for a rank that cannot go on and cannot agree with the others.
[[noreturn]] void abort_mpi(int exit_code);

}  // namespace tessera
