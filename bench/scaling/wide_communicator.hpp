// SPDX-License-Identifier: Apache-2.0
// Messages of pixels as they would be if the image were wider than it is in memory.
#pragma once

#include <functional>
#include <memory>

#include "comm/communicator.hpp"

namespace tessera::scaling {

/// The same group of ranks; with every message of pixels go `factor` - 1 times as many bytes again, which
/// have no content and take no memory: they are sent from and received into `nothing`. `settle` is called
/// before every call of MPI: there the rank's clock must stand where its work has brought it. Works under
/// SMPI only.
[[nodiscard]] std::unique_ptr<Communicator> make_wide(std::unique_ptr<Communicator> comm, int factor,
                                                      void* nothing, std::function<void()> settle);
/// The longest message sent from or received into it, in bytes.
constexpr std::size_t nothing_bytes = std::size_t{1} << 30;

}  // namespace tessera::scaling
