// A rank of a processing node: waits for images to process, alone or together with the other ranks.
#pragma once

#include "comm/communicator.hpp"

namespace tessera::cli {

/// Serves the node whose address is in the environment (see ranks/json_channel.hpp) until it says so.
/// Returns the exit code. If the node goes away, the process ends at once: who started it is gone.
int serve_node(Communicator& world);

}  // namespace tessera::cli
