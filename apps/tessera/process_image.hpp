// One image's way: opened, planned, run, written.
#pragma once

#include <functional>

#include "apply.hpp"
#include "engine/run.hpp"
#include "plan/plan.hpp"
#include "report.hpp"

namespace tessera::cli {

/// The plan for an image that has just been opened. Called on every rank.
using Planner = std::function<Plan(const ImageInfo& in)>;

/// Processes report.item and fills in the rest of the report, its size and time on the root alone. Of the
/// options it heeds how images are read and written. Collective; throws the same Error on every rank.
void process_image(Communicator& comm, const ApplyOptions& options, const Planner& plan_for,
                   const RunOptions& run, ImageReport& report);

}  // namespace tessera::cli
