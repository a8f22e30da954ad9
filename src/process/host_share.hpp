// SPDX-License-Identifier: Apache-2.0
// What a rank may take of its host.
#pragma once

#include "comm/communicator.hpp"

namespace tessera {

/// What the ranks of a host have to share.
struct HostShare {
  int ranks = 0;
  int threads = 1;  ///< of this rank
};

/// The cores that the ranks of this host may use, of which each gets its share: they may be bound to the same
/// or to different ones. `threads` above 0 is what the user wants instead. Collective.
[[nodiscard]] HostShare share_of_host(Communicator& comm, int threads);

}  // namespace tessera
