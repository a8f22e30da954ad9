// SPDX-License-Identifier: Apache-2.0
// Ranks of an MPI communicator that somebody else has made.
#pragma once

#include <mpi.h>

#include <memory>

#include "comm/communicator.hpp"

namespace tessera {

/// As communicator() of tessera/mpi.hpp.
[[nodiscard]] std::shared_ptr<Communicator> communicator_over(MPI_Comm group);

}  // namespace tessera
