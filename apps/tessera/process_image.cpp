#include "process_image.hpp"

#include <chrono>
#include <memory>
#include <optional>

#include "outputs.hpp"
#include "plan/axes.hpp"
#include "shared_source.hpp"

namespace tessera::cli {

void process_image(Communicator& comm, const ApplyOptions& options, const Planner& plan_for,
                   const RunOptions& run, ImageReport& report) {
  const auto begin = std::chrono::steady_clock::now();
  SharedSource source = open_shared(comm, report.item, options.read);
  std::optional<Plan> plan;
  std::unique_ptr<Sink> sink;
  together(comm, [&] {
    plan = plan_for(source.info);
    if (swaps_axes(*plan)) {
      source.metadata.resolution = source.metadata.resolution.turned();
    }
    sink = open_output(report.item, plan->out, source.metadata, options, comm.root());
  });
  report.run = run_plan(*plan, source.pixels.get(), *sink, comm, run);
  report.in = plan->in;
  report.out = plan->out;
  if (comm.root()) {
    report.output_bytes = written_bytes(*sink);
    report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }
}

}  // namespace tessera::cli
