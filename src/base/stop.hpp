// SPDX-License-Identifier: Apache-2.0
// How work that was asked to stop ends.
#pragma once

#include <stop_token>

#include "base/error.hpp"

namespace tessera {

/// Throws Error(cancelled) if a stop was asked for.
inline void throw_if_stopped(const std::stop_token& stop) {
  if (stop.stop_requested()) {
    throw Error(ErrorCode::cancelled, "The work was cancelled.");
  }
}

}  // namespace tessera
