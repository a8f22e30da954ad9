// SPDX-License-Identifier: Apache-2.0
// The image of a task that a rank reads by its node's grant.
#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "codec/io/objects.hpp"
#include "ranks/transfer.hpp"

namespace tessera::cli {

/// `grant` is a TransferGrant with its signature; `name` is what sentences call the image. `first_bytes` is an open
/// file with the image's first bytes, or -1. `lanes` must outlive the input. Throws Error(rank_lost) for a malformed
/// grant, and Error(io).
[[nodiscard]] std::shared_ptr<const ObjectInput> open_granted(TransferLanes& lanes, const std::string& grant,
                                                              const std::string& name, int first_bytes,
                                                              const std::stop_token& stop);

}  // namespace tessera::cli
