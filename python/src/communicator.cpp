// SPDX-License-Identifier: Apache-2.0
#include "communicator.hpp"

#include <string>

#include "tessera/error.hpp"

#if __has_include(<mpi.h>)
// MPI's C++ bindings, which MPI 3 dropped, are a library of their own and not used.
#ifndef OMPI_SKIP_MPICXX
#define OMPI_SKIP_MPICXX 1
#endif
#ifndef MPICH_SKIP_MPICXX
#define MPICH_SKIP_MPICXX 1
#endif
#include "tessera/mpi.hpp"
#define TESSERA_PYTHON_MPI 1
#endif

namespace tessera::python {

std::shared_ptr<Communicator> communicator_at(std::uintptr_t address, [[maybe_unused]] std::size_t bytes) {
  if (address == 0) {
    return nullptr;
  }
#ifdef TESSERA_PYTHON_MPI
  if (bytes != sizeof(MPI_Comm)) {
    throw Error(ErrorCode::usage, "The communicator is of another MPI: its handles have " +
                                      std::to_string(bytes) + " bytes, those of the MPI that Tessera uses " +
                                      std::to_string(sizeof(MPI_Comm)) +
                                      ". Install mpi4py for the same MPI, Open MPI on Debian.");
  }
  return communicator(*reinterpret_cast<const MPI_Comm*>(address));
#else
  throw Error(ErrorCode::usage,
              "This build of the Python package has no MPI: install libopenmpi-dev and build it again.");
#endif
}

}  // namespace tessera::python
