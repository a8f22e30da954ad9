// SPDX-License-Identifier: Apache-2.0
// Communicators of mpi4py, which is not needed for building.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace tessera {
class Communicator;
}

namespace tessera::python {

/// The ranks of the MPI_Comm of `bytes` bytes at `address`, or nothing for address 0.
/// Throws Error(usage) if it is of another MPI, or if this module has been built without.
[[nodiscard]] std::shared_ptr<Communicator> communicator_at(std::uintptr_t address, std::size_t bytes);

}  // namespace tessera::python
