// SPDX-License-Identifier: Apache-2.0
// One image's way: opened, planned, run, written. The command line, the ranks of a node, the desktop and the
// library go through here.
#pragma once

#include <functional>
#include <stop_token>
#include <vector>

#include "engine/run.hpp"
#include "plan/plan.hpp"
#include "process/image_input.hpp"
#include "process/image_output.hpp"
#include "schema/work_limits.hpp"

namespace tessera {

/// What a request may choose.
struct ProcessOptions {
  OutputOptions output;
  WorkLimits limits;
};

/// What runs it.
struct ProcessContext {
  Communicator& comm;
  int threads = 1;        ///< of this rank
  int ranks_on_host = 1;  ///< that share this machine's memory
  /// On the root; called from any thread, one at a time.
  std::function<void(const Progress&)> progress = {};
  std::stop_token stop = {};
};

struct ProcessReport {
  ImageInfo in;
  ImageInfo out;
  std::int64_t output_bytes = 0;  ///< of the encoded result; root only, as all below
  double seconds = 0;
  std::int64_t resumed_rows = 0;  ///< of the result, from an interrupted run
  RunReport run;
};

[[nodiscard]] ReadOptions read_options(const ProcessOptions& options);

/// Of pictures, as the plan heeds them.
[[nodiscard]] PlanLimits plan_limits(const WorkLimits& limits);

/// Memory that each of `ranks` on this machine may need: what the limits say, or its share of most of what
/// the machine or its control group has.
[[nodiscard]] std::int64_t allowed_memory_bytes(const WorkLimits& limits, int ranks);

/// Throws Error(limit_exceeded), with what is needed and allowed, unless a run that costs `cost` fits.
void check_memory(const Estimate& cost, std::int64_t allowed_bytes);

/// Applies `operators` to an image. Limits are checked before the work begins; the result appears whole or
/// not at all. Collective: every rank passes the same input, output, operators and options. Throws the same
/// Error on every rank.
ProcessReport process_image(const ImageInput& input, const ImageOutput& output,
                            const std::vector<Operator>& operators, const ProcessOptions& options,
                            const ProcessContext& context);

}  // namespace tessera
