// SPDX-License-Identifier: Apache-2.0
#include "tessera/mpi.hpp"

#include "comm/mpi_group.hpp"

namespace tessera {

std::shared_ptr<Communicator> communicator(MPI_Comm group) { return communicator_over(group); }

}  // namespace tessera
