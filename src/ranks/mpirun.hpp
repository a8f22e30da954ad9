// SPDX-License-Identifier: Apache-2.0
// Starting ranks with mpirun, and explaining failures.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace tessera {

struct MpirunOptions {
  int ranks = 2;
  std::string hostfile;                ///< for mpirun; empty: this host
  std::vector<std::string> variables;  ///< environment variables to pass to every rank
};

/// `mpirun ... program arguments...`
[[nodiscard]] std::vector<std::string> mpirun_command(const MpirunOptions& options,
                                                      const std::vector<std::string>& program);

/// This process's environment, "NAME=value" each.
[[nodiscard]] std::vector<std::string> own_environment();

/// `environment` with missing `additions`, and the settings that Open MPI needs on this host.
[[nodiscard]] std::vector<std::string> mpirun_environment(
    std::vector<std::string> environment, const std::vector<std::pair<std::string, std::string>>& additions);

/// The argument or environment vector for exec. The strings must outlive it.
[[nodiscard]] std::vector<char*> exec_vector(std::vector<std::string>& strings);

/// An error message for ranks that ended without a report, derived from mpirun's output.
[[nodiscard]] std::string explain_lost_ranks(const std::string& noise, int mpirun_status);

}  // namespace tessera
