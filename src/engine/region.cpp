// SPDX-License-Identifier: Apache-2.0
#include "engine/region.hpp"

#include <algorithm>
#include <vector>

#include "base/stop.hpp"
#include "engine/chain.hpp"
#include "engine/workers.hpp"

namespace tessera {
namespace {

/// Rows above those that are wanted are read in blocks of so many and dropped.
constexpr std::int64_t skipped_rows = 256;

/// Strips of a region that has few rows are shorter than a whole image's, so that all threads have some.
constexpr std::int64_t strips_per_thread = 2;
constexpr std::int64_t min_strip_rows = 16;

Rect stage_input(const Stage& stage, const Interval& rows) {
  return stage.chain.empty() ? Rect::of_rows(rows, stage.in.extent.width)
                             : strip_needs(stage.chain, stage.in, rows).input;
}

class RegionRun {
 public:
  RegionRun(const Plan& plan, const std::stop_token& stop) : plan_(plan), stop_(stop) {}

  /// `pixels` covers source_rows(plan, rows).
  [[nodiscard]] Tile run(const Interval& rows, const Tile& pixels) const {
    return run_stages(plan_.stages.size(), rows, pixels);
  }

 private:
  /// Rows of what the first `count` stages make.
  [[nodiscard]] Tile run_stages(std::size_t count, const Interval& rows, const Tile& pixels) const {
    throw_if_stopped(stop_);
    if (count == 0) {
      return pixels.view(Rect::of_rows(rows, plan_.in.extent.width));
    }
    const Stage& stage = plan_.stages[count - 1];
    if (stage.chain.empty()) {
      return run_stages(count - 1, rows, pixels);
    }
    StripReader reader;
    reader.fetch = [&](Tile& out) {
      const Tile input = run_stages(count - 1, out.rect.rows(), pixels);
      copy_overlap(input, out);
    };
    std::vector<std::vector<double>> findings(stage.chain.size());
    ChainRunner runner;
    const Tile strip =
        runner.run(stage.chain, stage.in, rows, reader, findings, default_max_reduced_bytes, stop_);
    // The runner's buffers end with it.
    Tile result = Tile::allocate(strip.rect, stage.out.format);
    copy_overlap(strip, result);
    return result;
  }

  const Plan& plan_;
  const std::stop_token& stop_;
};

Tile read_rows(Source& source, const Interval& rows, const std::stop_token& stop) {
  const std::int64_t width = source.info().extent.width;
  if (!source.random_access()) {
    for (std::int64_t y = 0; y < rows.begin; y += skipped_rows) {
      throw_if_stopped(stop);
      Tile dropped = Tile::allocate(Rect::of_rows({y, std::min(y + skipped_rows, rows.begin)}, width),
                                    source.info().format);
      source.read_rows(dropped);
    }
  }
  Tile tile = Tile::allocate(Rect::of_rows(rows, width), source.info().format);
  source.read_rows(tile);
  return tile;
}

}  // namespace

bool is_local(const Plan& plan) {
  return std::ranges::all_of(plan.stages, [](const Stage& stage) {
    return !stage.statistic && !stage.whole_frame &&
           std::ranges::all_of(stage.chain, [](const ChainLink& link) {
             return link.op && (link.halo.none() || link.op->border() != Border::wrap);
           });
  });
}

Interval source_rows(const Plan& plan, const Interval& rows) {
  Interval needed = rows;
  for (std::size_t i = plan.stages.size(); i-- > 0;) {
    needed = stage_input(plan.stages[i], needed).rows();
  }
  return needed;
}

Tile run_rows(const Plan& plan, const Interval& rows, Source& source, int threads,
              const std::stop_token& stop) {
  const RegionRun region(plan, stop);
  const Tile pixels = read_rows(source, source_rows(plan, rows), stop);
  Tile result = Tile::allocate(Rect::of_rows(rows, plan.out.extent.width), plan.out.format);
  const std::int64_t strips = std::clamp<std::int64_t>(
      rows.size() / suggest_strip_rows(plan.stages.back()),
      std::min<std::int64_t>(threads * strips_per_thread,
                             std::max<std::int64_t>(1, rows.size() / min_strip_rows)),
      rows.size());
  const std::vector<Interval> parts = split_rows(rows.size(), static_cast<int>(strips));
  for_each_index(threads, strips, stop, [&](int, std::int64_t index) {
    const Interval part = parts[static_cast<std::size_t>(index)];
    if (!part.empty()) {
      const Tile strip = region.run({rows.begin + part.begin, rows.begin + part.end}, pixels);
      copy_overlap(strip, result);
    }
  });
  return result;
}

}  // namespace tessera
