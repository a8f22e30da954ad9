// SPDX-License-Identifier: Apache-2.0
// Runs the library's long calls so that Python's threads, signals and callbacks go on.
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <functional>

#include "tessera/image.hpp"

namespace tessera::python {

namespace py = pybind11;

/// What every long call takes.
struct CallOptions {
  int threads = 0;
  py::object progress = py::none();  ///< None, or called with a Progress
  /// Where the MPI_Comm of mpi4py lies, and its size, which tells one MPI from another; 0: no ranks.
  std::uintptr_t communicator = 0;
  std::size_t communicator_bytes = 0;
};

/// Calls `work` on a thread of its own, without the GIL. The calling thread looks for signals meanwhile. When
/// a handler raises, as that of Ctrl-C does, or the progress callback, the work is stopped and the exception
/// raised once it has ended.
void run(const CallOptions& options, const std::function<void(const RunSettings&)>& work);

}  // namespace tessera::python
