// Takes from this process the rights that decoding images does not need, so that a decoder which is taken
// over by a hostile image reaches no other file, no network and no other process. docs/security.md says what
// is promised.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tessera {

enum class SandboxMode : std::uint8_t {
  automatic,  ///< as much of it as the system has
  require,    ///< all of it, or no work is done
  off,
};
/// "auto", "require" or "off"; nothing for other texts.
[[nodiscard]] std::optional<SandboxMode> sandbox_mode_named(std::string_view name);
[[nodiscard]] std::string_view name_of(SandboxMode mode);

struct SandboxNeeds {
  std::filesystem::path folder;                  ///< the one folder whose files may be written
  std::vector<std::filesystem::path> read_only;  ///< beside the system's libraries and fonts
  /// MPI runs in this process: its shared memory stays writable and its sockets usable.
  bool mpi = false;
};

/// Restricts the calling thread, the threads that it starts from now on and, for system calls, all threads of
/// the process; there is no way back. Call it before other threads are started, and after everything that
/// connects or starts programs. Returns the parts that this system does not have, as words for a log. Throws
/// Error(unavailable) if there are any and `mode` is `require`.
std::vector<std::string> enter_sandbox(const SandboxNeeds& needs, SandboxMode mode);

/// The entries of this process's environment that a rank may have: what the loader, the locale, MPI and the
/// schedulers that start it need. Everything else, such as credentials, stays behind.
[[nodiscard]] std::vector<std::string> environment_for_ranks();

}  // namespace tessera
