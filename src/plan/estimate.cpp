// SPDX-License-Identifier: Apache-2.0
// What a plan will cost, from the same pure functions that the engine follows. Memory is estimated from
// above: no buffer is left out, and those whose size depends on what others do at that moment count at their
// largest.
#include <algorithm>

#include "ops/pieces.hpp"
#include "plan/chain_bytes.hpp"
#include "plan/plan.hpp"

namespace tessera {
namespace {

/// Code, libraries' tables, stacks and what the allocator keeps.
constexpr std::int64_t process_bytes = std::int64_t{48} << 20;
constexpr std::int64_t mpi_bytes = std::int64_t{48} << 20;
/// The source's rows come in blocks of about this size, and so do what decoders hold of them.
constexpr std::int64_t source_block_bytes = std::int64_t{1} << 20;
constexpr std::int64_t decoder_factor = 4;
/// What a whole-frame operator holds beside its input and output for each pixel: at most spectra, or runs of
/// noise. One that works in place has little.
constexpr std::int64_t scratch_bytes = 12;
constexpr std::int64_t scratch_in_place = 4;
constexpr int lanes = 8;
constexpr std::int64_t float_bytes = 4;

/// What a reduction holds beside its input and output.
std::int64_t reduction_bytes(const ChainLink& link, std::int64_t rows_held) {
  const PixelFormat& format = link.in.format;
  std::int64_t pixel = format.bytes_per_pixel() * float_bytes;  // at least one float for each channel
  if (format.alpha) {
    // Colours times alpha, alpha and its rest, in double precision for 16-bit samples.
    pixel += (format.channels + 2) * float_bytes * format.bytes_per_sample();
  }
  return pixel * (link.in.extent.width * lanes + link.out.extent.width * rows_held);
}

/// What kernels take beside their input and output, at most.
KernelBytes most_of_kernels() {
  const auto run = [](const ChainLink& link, const Rect& out) -> std::int64_t {
    if (dynamic_cast<const TakesPieces*>(link.op.get()) != nullptr) {
      const std::int64_t taps =
          (link.in.extent.height * 6) / std::max<std::int64_t>(1, link.out.extent.height) + 8;
      return reduction_bytes(link, taps);
    }
    if (link.halo.none()) {
      return 0;
    }
    // Copies with borders, and sums that are wider than samples.
    constexpr std::int64_t copies = 4;
    constexpr std::int64_t sum_bytes = 16;
    return plane_bytes(out, link.halo, copies * link.in.format.bytes_per_pixel() + sum_bytes);
  };
  return {run, reduction_bytes};
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

/// Goes through the stages as the engine does, and notes what is held meanwhile.
class Estimator {
 public:
  Estimator(const Plan& plan, const EstimateOptions& options) : plan_(plan), options_(options) {}

  Estimate run() {
    for (std::size_t i = 0; i < plan_.stages.size(); ++i) {
      result_.stages.push_back(estimate_stage(plan_.stages[i], i + 1 == plan_.stages.size()));
    }
    const std::int64_t fixed =
        process_bytes + (options_.ranks > 1 ? mpi_bytes : 0) + options_.source_cache_bytes;
    for (StageEstimate& stage : result_.stages) {
      // Workers keep their buffers from stage to stage.
      stage.memory_bytes += fixed + options_.threads * worker_bytes_;
      result_.memory_bytes = std::max(result_.memory_bytes, stage.memory_bytes);
    }
    return std::move(result_);
  }

 private:
  StageEstimate estimate_stage(Stage stage, bool last) {
    StageEstimate cost;
    for (const ChainLink& link : stage.chain) {
      cost.operators.push_back(link.name);
      cost.halo = cost.halo + link.halo;
    }
    if (!stage.end_name.empty()) {
      cost.operators.push_back(stage.end_name + (stage.statistic ? " (statistic)" : " (whole frame)"));
    }
    if (prefix_) {
      stage.in = prefix_->in;
      stage.chain.insert(stage.chain.begin(), prefix_->chain.begin(), prefix_->chain.end());
      prefix_.reset();
    }
    if (stage.statistic) {
      cost.reduced_bytes =
          static_cast<std::int64_t>(stage.statistic->slots(stage.out) * sizeof(std::uint64_t));
      need(cost, cost.reduced_bytes * (options_.threads + 1));
    }
    const bool with_halo = stage.statistic && !stage.statistic->halo(stage.out).none();
    cost.strip_rows = aligned_strip_rows(stage, last ? options_.piece_rows : 1);
    const bool too_big = share_of(stage.out) > options_.max_held_bytes;
    if (stage.statistic && too_big && can_be_made_twice(stage)) {
      Stage looking = stage;
      looking.chain.push_back(
          {stage.end_name, nullptr, stage.out, stage.out, stage.statistic->halo(stage.out)});
      if (reads_twice(cost, looking)) {
        run_strips(cost, looking, 1);
        cost.runs_again = true;
        cost.streams = !held_;
        prefix_ = stage;
        return cost;
      }
    }
    if (with_halo) {
      if (!stage.chain.empty()) {
        run_to_band(cost, stage);
      }
      hold_input(cost);
      // The band once more, with its ghost pixels.
      need(cost, 3 * band_bytes(stage.out));
      return cost;
    }
    if (last) {
      if (!held_ && share_of(stage.out) <= options_.max_held_bytes &&
          pieces_read_too_much(stage, options_.piece_rows, options_.max_held_bytes / 4 / options_.threads)) {
        run_to_band(cost, stage);
        run_to_sink(cost, {.in = stage.out, .out = stage.out});
      } else {
        run_to_sink(cost, stage);
      }
      return cost;
    }
    if (too_big && stage.fuse_with_next) {
      cost.runs_again = true;
      cost.streams = !held_;
      prefix_ = stage;
      return cost;
    }
    if (!stage.chain.empty() || !held_) {
      run_to_band(cost, stage);
    }
    if (stage.whole_frame) {
      const std::int64_t pixels = stage.out.extent.width * max_rows(stage.out);
      const bool in_place = stage.whole_frame->in_place() && *held_ == stage.out;
      need(cost, band_bytes(*held_) + (in_place ? 0 : band_bytes(stage.out)) +
                     pixels * (in_place ? scratch_in_place : scratch_bytes) * (options_.ranks > 1 ? 2 : 1));
      held_ = stage.out;
    }
    return cost;
  }

  static void need(StageEstimate& cost, std::int64_t bytes) {
    cost.memory_bytes = std::max(cost.memory_bytes, bytes);
  }
  [[nodiscard]] std::int64_t share_of(const ImageInfo& image) const { return image.bytes() / options_.ranks; }
  [[nodiscard]] std::int64_t max_rows(const ImageInfo& image) const {
    return (image.extent.height + options_.ranks - 1) / options_.ranks;
  }
  [[nodiscard]] std::int64_t band_bytes(const ImageInfo& image) const {
    return max_rows(image) * image.row_bytes();
  }
  [[nodiscard]] bool root_feeds() const {
    return !held_ && options_.ranks > 1 && !options_.random_access_source;
  }
  /// Whether the strips of a rank in the middle can read the source as it comes.
  [[nodiscard]] std::optional<std::vector<Interval>> streamed(const Stage& stage, std::int64_t rows) const {
    const std::vector<Interval> bands = split_rows(stage.out.extent.height, options_.ranks);
    return streamed_rows(stage, bands[static_cast<std::size_t>(options_.ranks / 2)], rows);
  }
  bool reads_twice(StageEstimate& cost, const Stage& stage) {
    if (held_) {
      return held_->bytes() <= stage.out.bytes() / 2;
    }
    if (options_.source_can_rewind && streamed(stage, aligned_strip_rows(stage, 1))) {
      return true;
    }
    if (stage.in.bytes() > stage.out.bytes() / 2 || share_of(stage.in) > options_.max_held_bytes) {
      return false;
    }
    hold_input(cost);
    return true;
  }

  void hold_input(StageEstimate& cost) {
    if (!held_) {
      run_to_band(cost, {.in = plan_.in, .out = plan_.in});
    }
  }

  void run_to_band(StageEstimate& cost, const Stage& stage) {
    const ImageInfo made = stage.chain.empty() ? stage.in : stage.chain.back().out;
    const std::int64_t before = cost.memory_bytes;
    cost.memory_bytes = 0;
    const bool fed = root_feeds();
    run_strips(cost, stage, 1);
    cost.memory_bytes = std::max(
        before, cost.memory_bytes + band_bytes(made) + (fed ? std::min(band_bytes(made), 2 * fed_bytes) : 0));
    held_ = made;
  }

  void run_to_sink(StageEstimate& cost, const Stage& stage) {
    const std::int64_t before = cost.memory_bytes;
    cost.memory_bytes = 0;
    run_strips(cost, stage, options_.piece_rows);
    const std::int64_t rows =
        std::min(aligned_strip_rows(stage, options_.piece_rows), stage.out.extent.height);
    const std::int64_t strip_bytes = rows * stage.out.row_bytes();
    const std::int64_t piece_bytes =
        std::min(options_.piece_rows, stage.out.extent.height) * stage.out.row_bytes();
    const std::int64_t waiting =
        std::min(stage.out.bytes(), strips_ahead(options_.threads, strip_bytes) * strip_bytes);
    std::int64_t encoded = waiting + options_.threads * (strip_bytes + 2 * piece_bytes);
    if (options_.ranks > 1) {
      // What the ranks have encoded of a panel, at most as much as its pixels; the root has that of two.
      const std::int64_t busy = strip_bytes * options_.threads;
      encoded += 3 * std::min(share_of(stage.out), std::max(options_.max_held_bytes / 4, busy));
    }
    cost.memory_bytes = std::max(before, cost.memory_bytes + encoded);
    cost.streams = !held_;
  }

  /// What is held while strips run, but for what is made of them.
  void run_strips(StageEstimate& cost, const Stage& stage, std::int64_t align) {
    const std::int64_t rows = std::min(aligned_strip_rows(stage, align), stage.out.extent.height);
    worker_bytes_ = std::max(
        worker_bytes_, chain_bytes(stage.chain, stage.in, middle(stage, rows), most_of_kernels()).total());
    const std::int64_t row_bytes = stage.in.row_bytes();
    if (root_feeds()) {
      cost.exchanged_bytes += stage.in.bytes() / options_.ranks * (options_.ranks - 1);
      // The panel at hand, as blocks and as what each rank is sent, and the next.
      need(cost, 3 * std::min(stage.in.bytes(), fed_bytes * options_.ranks) +
                     2 * strip_input_bytes(stage, rows * options_.ranks));
      return;
    }
    if (!held_) {
      if (const auto strips = streamed(stage, rows)) {
        std::int64_t window = 0;
        const auto threads = static_cast<std::size_t>(options_.threads);
        for (std::size_t i = 0; i < strips->size(); ++i) {
          const std::size_t last = std::min(strips->size() - 1, i + threads - 1);
          window = std::max(window, (*strips)[last].end - (*strips)[i].begin);
        }
        std::int64_t ahead = 0;
        if (options_.source_cache_bytes > 0) {
          ahead = std::min(stage.in.bytes(),
                           max_read_ahead_bytes(stage, rows, options_.threads, options_.max_held_bytes));
        }
        need(cost, std::min(stage.in.bytes(), window * row_bytes) +
                       decoder_factor * std::max(source_block_bytes, 16 * row_bytes) + ahead);
        return;
      }
      hold_input(cost);
    }
    cost.exchanged_bytes += moved_bytes(stage, options_.ranks);
    std::int64_t ghosts = 0;
    if (options_.ranks > 1) {
      const std::vector<Interval> bands = split_rows(stage.out.extent.height, options_.ranks);
      const Interval& band = bands[static_cast<std::size_t>(options_.ranks / 2)];
      if (!band.empty()) {
        const Rect input = strip_needs(stage.chain, stage.in, band).input;
        ghosts = 2 * input.width * input.height * stage.in.format.bytes_per_pixel();
      }
    }
    need(cost, band_bytes(*held_) + ghosts);
  }

  [[nodiscard]] static Interval middle(const Stage& stage, std::int64_t rows) {
    const std::int64_t height = stage.out.extent.height;
    const std::int64_t begin = std::max<std::int64_t>(0, height / 2 - rows / 2);
    return {begin, std::min(height, begin + rows)};
  }

  const Plan& plan_;
  const EstimateOptions& options_;
  Estimate result_;
  std::optional<ImageInfo> held_;
  std::optional<Stage> prefix_;
  std::int64_t worker_bytes_ = 0;
};

}  // namespace

Estimate estimate(const Plan& plan, const EstimateOptions& options) { return Estimator(plan, options).run(); }

}  // namespace tessera
