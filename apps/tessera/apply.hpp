// SPDX-License-Identifier: Apache-2.0
// A pipeline over images: what 'tessera apply', 'convert' and 'thumbnail' have in common.
#pragma once

#include <optional>
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
  bool recursive = false;
  std::string suffix;  ///< after the stem of results that are named after their input
  bool in_place = false;
  std::string backup;  ///< appended to the name of an input that is replaced; empty: it is not kept
  bool skip_existing = false;
  bool resume = false;               ///< go on with results of interrupted runs
  std::optional<double> trim_level;  ///< tolerance of the border that is cut off first; nothing: none is
  bool keep_time = false;
  bool dry_run = false;
  bool force = false;
  bool json = false;
  bool quiet = false;
  bool verbose = false;
  int jobs = 0;     ///< images worked on side by side; 0: as suits their number
  int ranks = 0;    ///< 0: not said
  int threads = 0;  ///< 0: the host's cores divided by its ranks
  std::string hostfile;
  double timeout_s = 0;
  double start_timeout_s = 180;
  ProcessOptions process;  ///< how images are read and written, and what they may cost
};

/// Applies the pipeline to one image after the other and returns the exit code: that of the first failure.
/// Collective; the root alone reads standard input, writes and reports. Throws Error, the same on every rank,
/// if nothing could be begun, and Error(cancelled, rank_lost) if the group cannot go on.
int apply_to_images(Communicator& comm, const ApplyOptions& options, Console& console,
                    Interrupts& interrupts);

/// Checks the options and applies the pipeline: in this process, on ranks that this process starts, or as one of
/// them. `arguments` start the same command on ranks. Returns the exit code; throws Error.
int run_apply(ApplyOptions& options, const std::vector<std::string>& arguments);

}  // namespace tessera::cli
