// SPDX-License-Identifier: Apache-2.0
// The parts of the sandbox. Private to sandbox*.cpp. Each returns a description of what is missing, or
// nothing.
#pragma once

#include <optional>
#include <string>

#include "ranks/sandbox.hpp"

namespace tessera {

/// Landlock: files and, where supported, TCP, abstract sockets and signals.
[[nodiscard]] std::optional<std::string> restrict_files(const SandboxNeeds& needs);
/// seccomp: no programs, processes, tracing, sockets, administration.
[[nodiscard]] std::optional<std::string> restrict_system_calls(bool mpi);

}  // namespace tessera
