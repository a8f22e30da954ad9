#include "process_image.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <span>

#include "core/error.hpp"
#include "core/machine.hpp"
#include "engine/limited_sink.hpp"
#include "outputs.hpp"
#include "plan/axes.hpp"
#include "shared_source.hpp"
#include "text.hpp"

namespace tessera::cli {

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

void process_image(Communicator& comm, const ApplyOptions& options, const Planner& plan_for,
                   const RunOptions& run, int ranks_here, ImageReport& report) {
  const auto begin = std::chrono::steady_clock::now();
  SharedSource source = open_shared(comm, report.item, options.read);
  // Whether some rank cannot read its own rows, so that the root reads for all.
  std::uint64_t in_order = source.pixels && source.pixels->random_access() ? 0 : 1;
  comm.all_reduce(std::span(&in_order, 1), Merge::maximum);
  std::optional<Plan> plan;
  std::unique_ptr<Sink> sink;
  together(comm, [&] {
    plan = plan_for(source.info);
    if (swaps_axes(*plan)) {
      source.metadata.resolution = source.metadata.resolution.turned();
    }
    sink = open_output(report.item, plan->out, source.metadata, options, comm.root());
    check_memory(estimate(*plan, {.ranks = comm.size(),
                                  .threads = run.threads,
                                  .random_access_source = in_order == 0,
                                  .source_can_rewind = !source.pixels || source.pixels->can_rewind(),
                                  .piece_rows = sink->piece_rows()}),
                 allowed_memory_bytes(options.limits, ranks_here));
  });
  LimitedSink limited(*sink, options.limits.max_output_bytes);
  report.run = run_plan(*plan, source.pixels.get(), limited, comm, run);
  report.in = plan->in;
  report.out = plan->out;
  if (comm.root()) {
    report.output_bytes = written_bytes(*sink);
    report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }
}

}  // namespace tessera::cli
