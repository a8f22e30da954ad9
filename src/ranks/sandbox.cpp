// SPDX-License-Identifier: Apache-2.0
#include "ranks/sandbox.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "base/error.hpp"
#include "ranks/mpirun.hpp"
#include "ranks/sandbox_parts.hpp"

namespace tessera {
namespace {

constexpr std::array<std::string_view, 3> mode_names{"auto", "require", "off"};

/// The largest possible result: 16-bit RGBA of the largest image that is read by default, uncompressed, four
/// times.
constexpr rlim_t max_file_bytes = rlim_t{256} << 30;
/// For a rank without MPI, which opens an image, a result and a connection.
constexpr rlim_t max_descriptors = 256;
/// The limit applies to all threads of the user, not only to this process: those running now, and this many
/// more.
constexpr rlim_t more_threads = 4096;

void lower(int resource, rlim_t value) {
  rlimit limit{};
  if (::getrlimit(static_cast<__rlimit_resource_t>(resource), &limit) == 0) {
    limit.rlim_max = std::min(limit.rlim_max, value);
    limit.rlim_cur = std::min(limit.rlim_cur, value);
    static_cast<void>(::setrlimit(static_cast<__rlimit_resource_t>(resource), &limit));
  }
}

/// Number of threads on this machine; nothing if the system does not report it.
std::optional<rlim_t> threads_now() {
  std::ifstream file("/proc/loadavg");
  std::array<double, 3> load{};
  rlim_t running = 0;
  rlim_t all = 0;
  char slash = 0;
  if (file >> load[0] >> load[1] >> load[2] >> running >> slash >> all) {
    return all;
  }
  return std::nullopt;
}

void limit_resources(bool mpi) {
  // When memory is short, this process is killed before servers and brokers: its job is repeated elsewhere.
  std::ofstream("/proc/self/oom_score_adj") << 1000;
  lower(RLIMIT_CORE, 0);  // a dump would contain the image
  lower(RLIMIT_FSIZE, max_file_bytes);
  std::signal(SIGXFSZ, SIG_IGN);  // writing fails with a reason instead
  if (!mpi) {
    lower(RLIMIT_NOFILE, max_descriptors);
  }
  if (const auto threads = threads_now()) {
    lower(RLIMIT_NPROC, *threads + more_threads);
  }
}

/// Drops all capabilities. Returns a description of the failure, if any.
std::optional<std::string> drop_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> none{};
  if (::syscall(SYS_capset, &header, none.data()) != 0) {
    return fmt::format("the capabilities of its user (capset: {})", std::strerror(errno));
  }
  return std::nullopt;
}

}  // namespace

std::optional<SandboxMode> sandbox_mode_named(std::string_view name) {
  const auto found = std::ranges::find(mode_names, name);
  if (found == mode_names.end()) {
    return std::nullopt;
  }
  return static_cast<SandboxMode>(found - mode_names.begin());
}

std::string_view name_of(SandboxMode mode) { return mode_names.at(static_cast<std::size_t>(mode)); }

std::vector<std::string> enter_sandbox(const SandboxNeeds& needs, SandboxMode mode) {
  if (mode == SandboxMode::off) {
    return {};
  }
  limit_resources(needs.mpi);
  std::vector<std::string> missing;
  const auto note = [&](std::optional<std::string> what) {
    if (what) {
      missing.push_back(*std::move(what));
    }
  };
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    note(fmt::format("it may gain privileges by running programs (no_new_privs: {})", std::strerror(errno)));
  }
  note(restrict_files(needs));
  note(drop_capabilities());
  note(restrict_system_calls(needs.mpi));
  if (mode == SandboxMode::require && !missing.empty()) {
    throw Error(
        ErrorCode::unavailable,
        fmt::format("This system cannot provide the sandbox that --sandbox require demands: {}. Use another "
                    "kernel, allow these calls in the container, or use --sandbox auto.",
                    fmt::join(missing, "; ")));
  }
  return missing;
}

void forget_environment(const char* name) {
  if (char* const value = std::getenv(name); value != nullptr) {
    ::explicit_bzero(value, std::strlen(value));
    ::unsetenv(name);
  }
}

std::vector<std::string> environment_for_ranks() {
  constexpr auto names = std::to_array<std::string_view>(
      {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR", "LD_LIBRARY_PATH",
       "GLIBC_TUNABLES", "ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS", "LLVM_PROFILE_FILE",
       // mpirun uses it to log in to other hosts; ranks cannot connect to it.
       "SSH_AUTH_SOCK"});
  constexpr auto prefixes = std::to_array<std::string_view>(
      {"LC_", "MALLOC_", "OMP_", "OPENBLAS_", "OPENCV_", "VIPS_", "OMPI_", "OPAL_", "ORTE_", "PMIX_", "PRTE_",
       "PMI_", "MPI", "UCX_", "FI_", "HWLOC_", "SLURM_", "PBS_", "LSB_"});
  std::vector<std::string> kept;
  for (const std::string& entry : own_environment()) {
    const std::string_view name = std::string_view(entry).substr(0, entry.find('='));
    if (std::ranges::find(names, name) != names.end() ||
        std::ranges::any_of(prefixes, [&](std::string_view prefix) { return name.starts_with(prefix); })) {
      kept.push_back(entry);
    }
  }
  return kept;
}

}  // namespace tessera
