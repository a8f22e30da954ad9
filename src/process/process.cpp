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
#include "image/reduced_extent.hpp"
#include "ops/geometry/halve.hpp"
#include "plan/axes.hpp"
#include "process/reduced_loading.hpp"
#include "process/resumable_sink.hpp"
#include "process/resume.hpp"
#include "process/shared_source.hpp"

namespace tessera {

ReadOptions read_options(const ProcessOptions& options) {
  return {.limits = options.limits,
          .salvage = options.output.salvage,
          .page = options.output.page,
          .overview = options.output.overview};
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

namespace {

/// On the root, which alone reads what can be reduced; the others learn of it. Collective.
int reduce_at_loading(Communicator& comm, SharedSource& source, const std::vector<Operator>& operators) {
  int factor = 1;
  collective_try(comm, [&] {
    if (comm.root()) {
      factor = reduce_at_loading(*source.pixels, operators);
    }
  });
  comm.broadcast(std::as_writable_bytes(std::span(&factor, 1)), 0);
  source.info.extent = reduced_extent(source.info.extent, factor);
  return factor;
}

/// The smaller levels of a result, each from the one before. Collective.
void make_levels(Pyramid& pyramid, Sink& sink, const ProcessContext& context, RunReport& report) {
  Communicator& comm = context.comm;
  for (;;) {
    std::unique_ptr<Source> source;
    const ImageInfo level = pyramid.finished_level();
    std::optional<ImageInfo> next;
    collective_try(comm, [&] {
      source = pyramid.open_finished_level();
      next = pyramid.begin_next_level();
    });
    if (!next) {
      break;
    }
    // Only where every rank can read the level does it read its own rows.
    std::uint64_t missing = source ? 0 : 1;
    comm.all_reduce(std::span(&missing, 1), Merge::maximum);
    if (missing != 0 && !comm.root()) {
      source = nullptr;
    }
    RunOptions run;
    run.threads = context.threads;
    run.stop = context.stop;
    const RunReport done =
        run_plan(make_plan({make_operator(Halve{})}, level), source.get(), sink, comm, run);
    for (std::size_t rank = 0; rank < done.ranks.size(); ++rank) {
      report.ranks[rank].sent_bytes += done.ranks[rank].sent_bytes;
      report.ranks[rank].received_bytes += done.ranks[rank].received_bytes;
      report.ranks[rank].written_bytes += done.ranks[rank].written_bytes;
      report.ranks[rank].busy_seconds += done.ranks[rank].busy_seconds;
    }
  }
  collective_try(comm, [&] {
    if (comm.root()) {
      pyramid.publish();
    }
  });
}

/// Of a result that may be resumed, for each rank: what is lost if the run ends.
constexpr std::int64_t max_panel_bytes = std::int64_t{8} << 20;

/// What of a resumable result is there already. On the root.
struct Resumed {
  std::int64_t rows = 0;
  std::string warning;  ///< why less than was hoped for
};

Resumed resume(ResultSink& result, Sink& through, const std::string& why_not) {
  Resumed resumed;
  if (ResumableSink* const sink = result.resumable()) {
    resumed.rows = sink->take_over(through);
    if (sink->found_other()) {
      resumed.warning =
          "What an interrupted run has left is of another image, pipeline or version of Tessera, or has other "
          "options: the result was made anew.";
    }
  } else if (!why_not.empty()) {
    resumed.warning = fmt::format("If this is interrupted, it cannot be resumed: {}", why_not);
  }
  return resumed;
}

}  // namespace

ProcessReport process_image(const ImageInput& input, const ImageOutput& output,
                            const std::vector<Operator>& operators, const ProcessOptions& options,
                            const ProcessContext& context) {
  const auto begin = std::chrono::steady_clock::now();
  Communicator& comm = context.comm;
  SharedSource source = open_shared(comm, input, read_options(options));
  const ImageInfo original = source.info;
  const int factor = options.output.salvage ? 1 : reduce_at_loading(comm, source, operators);
  // Whether some rank cannot read its own rows, so that the root reads for all.
  std::uint64_t in_order = source.pixels && source.pixels->random_access() ? 0 : 1;
  comm.all_reduce(std::span(&in_order, 1), Merge::maximum);
  std::optional<Plan> plan;
  std::optional<ResultSink> result;
  const auto* const file = std::get_if<OutputFile>(&output.to);
  const bool resumes = file != nullptr && !file->resume_key.empty();
  std::string why_not_resumed;
  collective_try(comm, [&] {
    plan = make_plan(operators_after_loading(operators, original.extent, factor), source.info,
                     plan_limits(options.limits));
    if (swaps_axes(*plan)) {
      source.metadata.resolution = source.metadata.resolution.turned();
    }
    std::string key;
    if (comm.root() && resumes) {
      why_not_resumed = why_not_resumable(*plan, input, *file, options.output);
      key = why_not_resumed.empty() ? resume_key(*plan, input, *file, options.output) : "";
    }
    result.emplace(output, plan->out, source.metadata, options.output, comm.root(), key);
    check_memory(estimate(*plan, {.ranks = comm.size(),
                                  .threads = context.threads,
                                  .random_access_source = in_order == 0,
                                  .source_can_rewind = !source.pixels || source.pixels->can_rewind(),
                                  .source_cache_bytes = source.pixels ? cache_bytes(input) : 0,
                                  .piece_rows = result->sink().piece_rows()}),
                 allowed_memory_bytes(options.limits, context.ranks_on_host));
  });
  LimitedSink limited(result->sink(), options.limits.max_output_bytes);
  Resumed resumed;
  if (resumes) {
    collective_try(comm, [&] {
      if (comm.root()) {
        resumed = resume(*result, limited, why_not_resumed);
      }
    });
    comm.broadcast(std::as_writable_bytes(std::span(&resumed.rows, 1)), 0);
  }
  RunOptions run;
  run.threads = context.threads;
  run.first_row = resumed.rows;
  run.max_panel_bytes = resumes ? max_panel_bytes : 0;
  run.progress = context.progress;
  run.stop = context.stop;
  ProcessReport report;
  report.run = run_plan(*plan, source.pixels.get(), limited, comm, run);
  if (Pyramid* const pyramid = result->pyramid()) {
    make_levels(*pyramid, limited, context, report.run);
  }
  report.in = original;
  report.out = plan->out;
  report.resumed_rows = resumed.rows;
  if (!resumed.warning.empty()) {
    report.run.warnings.push_back(std::move(resumed.warning));
  }
  collective_try(comm, [&] {
    if (comm.root()) {
      report.output_bytes = result->deliver();
    }
  });
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return report;
}

}  // namespace tessera
