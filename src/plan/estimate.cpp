// What a plan will cost, from the same pure functions that the engine follows.
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

}  // namespace

Estimate estimate(const Plan& plan, int ranks, int threads, bool random_access_source) {
  Estimate result;
  const bool one_pass = plan.stages.size() == 1 && (ranks == 1 || random_access_source);
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
    const std::int64_t strip = (cost.strip_rows + cost.halo.top + cost.halo.bottom) *
                               std::max(stage.in.row_bytes(), stage.out.row_bytes());
    cost.streams = one_pass && !stage.whole_frame;
    for (const ChainLink& link : stage.chain) {
      cost.streams = cost.streams && !(link.op && link.op->crosses_rows());
    }
    cost.memory_bytes = 3 * strip * threads;
    if (!cost.streams) {
      cost.memory_bytes += band_bytes(stage.in, ranks) + (last ? 0 : band_bytes(stage.out, ranks));
      cost.exchanged_bytes = moved_bytes(stage, ranks);
    }
    if (stage.statistic) {
      const auto slots = static_cast<std::int64_t>(stage.statistic->slots(stage.out) * sizeof(std::uint64_t));
      cost.reduced_bytes = slots;
      cost.memory_bytes += slots * (threads + 1);
    }
    result.memory_bytes = std::max(result.memory_bytes, cost.memory_bytes);
    result.stages.push_back(std::move(cost));
  }
  return result;
}

}  // namespace tessera
