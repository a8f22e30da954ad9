// SPDX-License-Identifier: Apache-2.0
// Ranks of MPI that work on an image together.
#pragma once

#include <mpi.h>

#include <memory>

#include "tessera/export.hpp"

namespace tessera {

class Communicator;

/// The ranks of `group`, which must stay valid, and MPI initialised with MPI_THREAD_SERIALIZED or more, as
/// long as the result and what uses it. Messages go over a duplicate of `group`. Collective. Throws
/// Error(usage) where MPI is not initialised that far, Error(rank_lost) if MPI fails.
[[nodiscard]] TESSERA_API std::shared_ptr<Communicator> communicator(MPI_Comm group);

}  // namespace tessera
