// What a plan will cost, from the same pure functions that the engine follows.
#include <algorithm>

#include "plan/plan.hpp"

namespace tessera {
namespace {

std::int64_t band_bytes(const ImageInfo& info, int ranks) {
  const std::vector<Interval> bands = split_rows(info.extent.height, ranks);
  std::int64_t most = 0;
  for (const Interval& band : bands) {
    most = std::max(most, band.size());
  }
  return most * info.row_bytes();
}

std::int64_t moved_bytes(const Stage& stage, int ranks) {
  const std::vector<Interval> from = split_rows(stage.in.extent.height, ranks);
  const std::vector<Interval> to = split_rows(stage.out.extent.height, ranks);
  std::vector<std::vector<Rect>> needs;
  for (const Interval& rows : to) {
    needs.push_back(rows.empty()
                        ? std::vector<Rect>{}
                        : wrapped_parts(strip_needs(stage.chain, stage.in, rows).input, stage.in.extent));
  }
  std::int64_t total = 0;
  for (const Move& move : plan_exchange(from, stage.in.extent.width, needs)) {
    total += move.rect.width * move.rect.height * stage.in.format.bytes_per_pixel();
  }
  return total;
}

bool in_order(const Stage& stage) {
  return std::none_of(stage.chain.begin(), stage.chain.end(), [](const ChainLink& link) {
    return wraps_rows(link) || (link.op && link.op->crosses_rows());
  });
}

/// Whether a stage that is not the last leaves no band behind: its pixels are made again for the next.
bool runs_again(const Stage& stage, bool from_source, const EstimateOptions& options) {
  if (stage.out.bytes() / options.ranks <= options.max_held_bytes) {
    return false;
  }
  const bool only_looks = stage.statistic && from_source && in_order(stage) &&
                          stage.statistic->halo(stage.out).none() &&
                          stage.statistic->applied_halo(stage.out).none();
  return only_looks || stage.joins_next;
}

}  // namespace

Estimate estimate(const Plan& plan, const EstimateOptions& options) {
  Estimate result;
  bool held = false;
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    const Stage& stage = plan.stages[i];
    const bool last = i + 1 == plan.stages.size();
    StageEstimate cost;
    for (const ChainLink& link : stage.chain) {
      cost.operators.push_back(link.name);
      cost.halo = cost.halo + link.halo;
    }
    if (!stage.end_name.empty()) {
      cost.operators.push_back(stage.end_name + (stage.statistic ? " (statistic)" : " (whole frame)"));
    }
    cost.strip_rows = suggest_strip_rows(stage);
    const std::int64_t strip = strip_input_bytes(stage, cost.strip_rows) +
                               (cost.strip_rows + cost.halo.top + cost.halo.bottom) * stage.out.row_bytes();
    cost.memory_bytes = 2 * strip * options.threads;

    const bool fed = !held && options.ranks > 1 && !options.random_access_source;
    if (fed) {
      cost.exchanged_bytes = stage.in.bytes() / options.ranks * (options.ranks - 1);
      // The panel at hand, as blocks and as what each rank is sent, and the next.
      cost.memory_bytes += 3 * std::min(stage.in.bytes(), fed_bytes * options.ranks);
    }
    const bool holds_input = held || !in_order(stage);
    if (holds_input) {
      cost.memory_bytes += band_bytes(stage.in, options.ranks);
      cost.exchanged_bytes += moved_bytes(stage, options.ranks);
    }
    cost.runs_again = !last && runs_again(stage, !held, options);
    if (!last && !cost.runs_again) {
      cost.memory_bytes += band_bytes(stage.out, options.ranks);
      held = true;
    }
    cost.streams = !holds_input && (last || cost.runs_again);
    if (stage.statistic) {
      const auto slots = static_cast<std::int64_t>(stage.statistic->slots(stage.out) * sizeof(std::uint64_t));
      cost.reduced_bytes = slots;
      cost.memory_bytes += slots * (options.threads + 1);
    }
    result.memory_bytes = std::max(result.memory_bytes, cost.memory_bytes);
    result.stages.push_back(std::move(cost));
  }
  return result;
}

}  // namespace tessera
