// How ranks are started: mpirun's command line and environment, and what it means when they are gone.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace tessera {

struct MpirunOptions {
  int ranks = 2;
  std::string hostfile;                ///< of mpirun; empty: this host
  std::vector<std::string> variables;  ///< of the environment, to be set on every rank
};

/// `mpirun ... program arguments...`
[[nodiscard]] std::vector<std::string> mpirun_command(const MpirunOptions& options,
                                                      const std::vector<std::string>& program);

/// This process's environment, "NAME=value" each.
[[nodiscard]] std::vector<std::string> own_environment();

/// `environment` with `additions` where they are not set, and what Open MPI needs on this host.
[[nodiscard]] std::vector<std::string> mpirun_environment(
    std::vector<std::string> environment, const std::vector<std::pair<std::string, std::string>>& additions);

/// The argument or environment vector that exec wants. The strings must stay alive.
[[nodiscard]] std::vector<char*> exec_vector(std::vector<std::string>& strings);

/// The sentence for ranks that ended without saying why, from what mpirun said.
[[nodiscard]] std::string explain_lost_ranks(const std::string& noise, int mpirun_status);

}  // namespace tessera
