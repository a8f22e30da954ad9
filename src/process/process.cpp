// SPDX-License-Identifier: Apache-2.0
#include "process/process.hpp"

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <optional>
#include <span>

#include "base/amount.hpp"
#include "base/error.hpp"
#include "base/machine.hpp"
#include "engine/limited_sink.hpp"
#include "plan/axes.hpp"
#include "process/shared_source.hpp"

namespace tessera {

ReadOptions read_options(const ProcessOptions& options) {
  return {.limits = options.limits, .salvage = options.output.salvage};
}

PlanLimits plan_limits(const WorkLimits& limits) {
  return {limits.max_output_pixels > 0 ? limits.max_output_pixels : limits.max_pixels,
          limits.max_output_side_px > 0 ? limits.max_output_side_px : limits.max_side_px};
}

std::int64_t allowed_memory_bytes(const WorkLimits& limits, int ranks) {
  return limits.max_memory_bytes > 0 ? limits.max_memory_bytes
                                     : share_of_memory(usable_memory_bytes(), ranks);
}

void check_memory(const Estimate& cost, std::int64_t allowed_bytes) {
  if (cost.memory_bytes > allowed_bytes) {
    throw Error(
        ErrorCode::limit_exceeded,
        fmt::format("This may need {} of memory in each process, and {} are allowed (max-memory). Make "
                    "the picture smaller before the other operators, use fewer threads or more ranks "
                    "on other machines, or raise the limit; 'tessera explain' shows what needs it.",
                    bytes_text(cost.memory_bytes), bytes_text(allowed_bytes)));
  }
}

ProcessReport process_image(const ImageInput& input, const ImageOutput& output,
                            const std::vector<Operator>& operators, const ProcessOptions& options,
                            const ProcessContext& context) {
  const auto begin = std::chrono::steady_clock::now();
  Communicator& comm = context.comm;
  SharedSource source = open_shared(comm, input, read_options(options));
  // Whether some rank cannot read its own rows, so that the root reads for all.
  std::uint64_t in_order = source.pixels && source.pixels->random_access() ? 0 : 1;
  comm.all_reduce(std::span(&in_order, 1), Merge::maximum);
  std::optional<Plan> plan;
  std::optional<ResultSink> result;
  collective_try(comm, [&] {
    plan = make_plan(operators, source.info, plan_limits(options.limits));
    if (swaps_axes(*plan)) {
      source.metadata.resolution = source.metadata.resolution.turned();
    }
    result.emplace(output, plan->out, source.metadata, options.output, comm.root());
    check_memory(estimate(*plan, {.ranks = comm.size(),
                                  .threads = context.threads,
                                  .random_access_source = in_order == 0,
                                  .source_can_rewind = !source.pixels || source.pixels->can_rewind(),
                                  .piece_rows = result->sink().piece_rows()}),
                 allowed_memory_bytes(options.limits, context.ranks_on_host));
  });
  LimitedSink limited(result->sink(), options.limits.max_output_bytes);
  RunOptions run;
  run.threads = context.threads;
  run.progress = context.progress;
  run.stop = context.stop;
  ProcessReport report;
  report.run = run_plan(*plan, source.pixels.get(), limited, comm, run);
  report.in = plan->in;
  report.out = plan->out;
  collective_try(comm, [&] {
    if (comm.root()) {
      report.output_bytes = result->deliver();
    }
  });
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return report;
}

}  // namespace tessera
