// SPDX-License-Identifier: Apache-2.0
// Work on pixels that all ranks do together.
#pragma once

#include <functional>

#include "comm/communicator.hpp"

namespace tessera {

/// collective_try() for work on pixels: where OpenCV reports that memory ran out, every rank throws
/// Error(limit_exceeded), as for std::bad_alloc.
void collective_pixel_work(Communicator& comm, const std::function<void()>& work);

}  // namespace tessera
