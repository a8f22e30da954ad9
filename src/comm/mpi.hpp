// SPDX-License-Identifier: Apache-2.0
// Ranks as MPI processes.
#pragma once

#include <memory>

#include "comm/communicator.hpp"

namespace tessera {

/// True in a process that mpirun (or Slurm's srun) started.
[[nodiscard]] bool started_by_mpi();
/// Throws Error(usage) where a launcher says that it started several tasks of this step, but only `ranks` of them
/// are a group: srun without --mpi=pmix, MPICH's mpiexec, or a library that does not fit the launcher. All of
/// them would do the same work and write the same file.
void check_tasks(int ranks);
/// Initialises MPI; the communicator of all ranks. Finalised when destroyed. Throws Error(rank_lost) if MPI
/// fails.
[[nodiscard]] std::unique_ptr<Communicator> make_mpi();
/// Ends all ranks at once with this exit code; for a rank that cannot go on and cannot agree with the others.
[[noreturn]] void abort_mpi(int exit_code);

}  // namespace tessera
