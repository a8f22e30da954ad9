// SPDX-License-Identifier: Apache-2.0
// Drops the privileges of this process that decoding images does not need, so that a decoder compromised by a
// hostile image can reach no other file, no network and no other process. docs/security.md lists the
// guarantees.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tessera {

enum class SandboxMode : std::uint8_t {
  automatic,  ///< as much as the system supports
  require,    ///< everything, or no work is done
  off,
};
/// "auto", "require" or "off"; nothing for other texts.
[[nodiscard]] std::optional<SandboxMode> sandbox_mode_named(std::string_view name);
[[nodiscard]] std::string_view name_of(SandboxMode mode);

struct SandboxNeeds {
  std::filesystem::path folder;                  ///< the only writable folder
  std::vector<std::filesystem::path> read_only;  ///< in addition to the system's libraries and fonts
  /// MPI runs in this process: its shared memory stays writable and its sockets usable.
  bool mpi = false;
};

/// Restricts the calling thread, the threads that it starts later and, for system calls, all threads of the
/// process; this cannot be undone. Call it before other threads are started, and after everything that
/// connects or starts programs. Returns descriptions of the parts that this system lacks, for a log. Throws
/// Error(unavailable) if there are any and `mode` is `require`.
std::vector<std::string> enter_sandbox(const SandboxNeeds& needs, SandboxMode mode);

/// The environment variables that a rank may have: what the loader, the locale, MPI and the schedulers that
/// start it need. Everything else, such as credentials, is removed.
[[nodiscard]] std::vector<std::string> environment_for_ranks();

/// Removes a variable, and overwrites its value, which would otherwise stay in this process's memory.
void forget_environment(const char* name);

}  // namespace tessera
