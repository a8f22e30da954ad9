// SPDX-License-Identifier: Apache-2.0
// tessera apply: a pipeline over images.
#pragma once

#include <string>
#include <vector>

#include "comm/communicator.hpp"
#include "console.hpp"
#include "interrupts.hpp"
#include "process/process.hpp"

namespace tessera::cli {

struct ApplyOptions {
  std::string pipeline;
  std::vector<std::string> inputs;  ///< as typed: patterns are not expanded yet
  std::string output;               ///< empty: findings only
  std::string findings;             ///< file, folder or "-"; empty: none
  std::string presets;
  bool force = false;
  bool json = false;
  bool quiet = false;
  bool verbose = false;
  int ranks = 1;
  int threads = 0;  ///< 0: the host's cores divided by its ranks
  std::string hostfile;
  double timeout_s = 0;
  ProcessOptions process;  ///< how images are read and written, and what they may cost
};

/// Applies the pipeline to one image after the other and returns the exit code: that of the first failure.
/// Collective; the root alone reads standard input, writes and reports. Throws Error, the same on every rank,
/// if nothing could be begun, and Error(cancelled, rank_lost) if the group cannot go on.
int apply_to_images(Communicator& comm, const ApplyOptions& options, Console& console,
                    Interrupts& interrupts);

}  // namespace tessera::cli
