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

/// Of pictures, as the plan heeds them.
[[nodiscard]] PlanLimits plan_limits(const WorkLimits& limits);

/// Memory that each of `ranks` on this machine may need: what the limits say, or its share of most of what
/// the machine or its control group has.
[[nodiscard]] std::int64_t allowed_memory_bytes(const WorkLimits& limits, int ranks);

/// Throws Error(limit_exceeded), with what is needed and allowed, unless a run that costs `cost` fits.
void check_memory(const Estimate& cost, std::int64_t allowed_bytes);

/// Processes report.item and fills in the rest of the report, its size and time on the root alone. Of the
/// options it heeds limits and how images are read and written. `ranks_here` share this machine's memory.
/// Collective; throws the same Error on every rank.
void process_image(Communicator& comm, const ApplyOptions& options, const Planner& plan_for,
                   const RunOptions& run, int ranks_here, ImageReport& report);

}  // namespace tessera::cli
