// SPDX-License-Identifier: Apache-2.0
#include "engine/forecast.hpp"

#include <algorithm>
#include <functional>
#include <optional>

#include "engine/band_frame.hpp"
#include "engine/feed.hpp"
#include "engine/pixels.hpp"
#include "engine/rank_ledger.hpp"
#include "engine/statistic_link.hpp"
#include "ops/pieces.hpp"
#include "plan/chain_bytes.hpp"

namespace tessera {
namespace {

constexpr std::int64_t slot_bytes = sizeof(std::uint64_t);
/// Strips are alike: a few of a band stand for all.
constexpr std::int64_t max_strips_looked_at = 32;

/// Goes through the stages as Run does (engine/run.cpp), and notes what each rank holds and sends meanwhile.
class Forecaster {
 public:
  Forecaster(const Plan& plan, const ForecastOptions& options)
      : plan_(plan), options_(options), ledger_(options) {}

  std::vector<RankForecast> run() {
    for (std::size_t i = 0; i < plan_.stages.size(); ++i) {
      run_stage(after_prefix(plan_.stages[i]), i + 1 == plan_.stages.size());
    }
    return ledger_.take();
  }

 private:
  using Bands = RankLedger::Bands;
  /// What a rank holds of a stage's result while it makes its band of a panel: beside the kernels, and in the place of
  /// them, in each of its threads.
  struct Making {
    std::int64_t held = 0;
    std::int64_t in_each_thread = 0;
  };
  using MakingBand = std::function<Making(std::size_t rank, const Interval& band)>;
  /// Of the pixels that strips read, on each rank.
  using InputBytes = std::vector<std::int64_t>;
  /// With all ranks' rows of the panel, whose input is still held.
  using AfterPanel = std::function<void(const Bands& bands, const InputBytes& input)>;

  Stage after_prefix(Stage stage) {
    if (prefix_) {
      stage.in = prefix_->in;
      stage.chain.insert(stage.chain.begin(), prefix_->chain.begin(), prefix_->chain.end());
      prefix_.reset();
    }
    return stage;
  }

  void run_stage(const Stage& stage, bool last) {
    if (stage.statistic && !stage.statistic->halo(stage.out).none()) {
      run_stage_to_statistic_with_halo(stage);
    } else if (last) {
      run_last(stage);
    } else if (!(stage.statistic && take_statistic_in_two_passes(stage))) {
      run_to_next(stage);
    }
    if (stage.statistic) {
      bound_ = stage.statistic;
    }
  }

  void run_last(const Stage& stage) {
    const bool reads_too_much =
        !ledger_.held() && share_of(stage.out) <= options_.max_held_bytes &&
        pieces_read_too_much(stage, options_.piece_rows, options_.max_held_bytes / 4 / options_.threads);
    if (reads_too_much) {
      run_to_band(stage);
    }
    run_to_sink(reads_too_much ? Stage{.in = stage.out, .out = stage.out} : stage);
  }

  void run_to_next(const Stage& stage) {
    if (stage.fuse_with_next && share_of(stage.out) > options_.max_held_bytes) {
      prefix_ = stage;
      return;
    }
    if (!stage.chain.empty() || !ledger_.held()) {
      run_to_band(stage);
    } else if (stage.statistic) {
      run_statistic_with_halo(*stage.statistic);
    }
    if (stage.whole_frame) {
      run_whole_frame(stage);
    }
  }

  void run_stage_to_statistic_with_halo(const Stage& stage) {
    if (take_statistic_in_two_passes(stage)) {
      return;
    }
    if (!stage.chain.empty()) {
      Stage making = stage;
      making.statistic = nullptr;
      run_to_band(making);
    }
    hold_input();
    run_statistic_with_halo(*stage.statistic);
  }

  bool take_statistic_in_two_passes(const Stage& stage) {
    if (share_of(stage.out) <= options_.max_held_bytes || !can_be_made_twice(stage)) {
      return false;
    }
    const std::size_t slots = stage.statistic->slots(stage.out);
    const Stage looking = with_statistic_link(stage, std::make_shared<StatisticLink>(stage.statistic, slots));
    if (!ledger_.held() && !source_can_be_read_twice(looking)) {
      if (stage.in.bytes() > stage.out.bytes() / 2 || share_of(stage.in) > options_.max_held_bytes) {
        return false;
      }
      hold_input();
    } else if (ledger_.held() && ledger_.held()->bytes() > stage.out.bytes() / 2) {
      return false;
    }
    over_panels(looking, 1, false, [&](std::size_t, const Interval&) {
      return Making{.held = (options_.threads + 1) * reduced_bytes(*stage.statistic, stage.out)};
    });
    reduce(*stage.statistic, stage.out);
    prefix_ = stage;
    return true;
  }

  [[nodiscard]] bool source_can_be_read_twice(const Stage& stage) const {
    if (!options_.source_can_rewind) {
      return false;
    }
    const Panels all = panels(stage, 1, false);
    return root_feeds() ? all.fed.has_value()
                        : streams(stage, all.rows.front(), aligned_strip_rows(stage, 1));
  }

  void hold_input() {
    if (!ledger_.held()) {
      run_to_band({.in = plan_.in, .out = plan_.in});
    }
  }

  void run_to_band(const Stage& stage) {
    const ImageInfo made = stage.chain.empty() ? stage.in : stage.chain.back().out;
    const Bands whole = split_rows(made.extent.height, options_.ranks);
    const std::int64_t slots = stage.statistic ? options_.threads * reduced_bytes(*stage.statistic, made) : 0;
    over_panels(
        stage, 1, false,
        [&](std::size_t rank, const Interval& band) {
          const std::int64_t panel = band == whole[rank] ? 0 : band.size();
          return Making{.held = (whole[rank].size() + panel) * made.row_bytes() + slots};
        },
        [&](const Bands& bands, const InputBytes& input) {
          if (bands != whole) {
            keep_panel(bands, whole, made, input);
          }
        });
    ledger_.hold(made, whole);
    if (stage.statistic) {
      reduce(*stage.statistic, made);
    }
  }

  /// Rows of a panel go to the ranks whose bands they belong to, while the panel and its input are still there.
  void keep_panel(const Bands& bands, const Bands& whole, const ImageInfo& image, const InputBytes& input) {
    InputBytes held;
    for (std::size_t rank = 0; rank < ledger_.ranks(); ++rank) {
      held.push_back(input[rank] + (whole[rank].size() + bands[rank].size()) * image.row_bytes());
    }
    ledger_.exchange(bands, image, kept_rows(bands, whole, image.extent.width), held);
  }

  void run_statistic_with_halo(const StatisticOp& statistic) {
    const ImageInfo& info = *ledger_.held();
    const Halo halo = statistic.halo(info);
    const InputBytes ghosts = ledger_.exchange(
        ledger_.held_rows(), info, halo_needs(ledger_.held_rows(), halo, statistic.border(), info.extent));
    const std::int64_t rows_at_once = aligned_strip_rows({.in = info, .out = info}, 1);
    for (std::size_t rank = 0; rank < ledger_.ranks(); ++rank) {
      const Interval& own = ledger_.held_rows()[rank];
      const std::int64_t grown =
          plane_bytes(Rect::of_rows(own, info.extent.width), halo, info.format.bytes_per_pixel());
      const Rect strip = halo.grow(Rect::of_rows({0, std::min(rows_at_once, own.size())}, info.extent.width));
      ledger_.note(rank, (own.empty() ? 0 : grown + ghosts[rank]) +
                             threads_for(own, rows_at_once) *
                                 (statistic.working_bytes(info, strip) + reduced_bytes(statistic, info)));
    }
    reduce(statistic, info);
  }

  void run_whole_frame(const Stage& stage) {
    const bool in_place = stage.whole_frame->in_place() && stage.out == *ledger_.held();
    for (std::size_t rank = 0; rank < ledger_.ranks(); ++rank) {
      const FrameCost cost = stage.whole_frame->cost(*ledger_.held(), ledger_.held_rows(),
                                                     static_cast<int>(rank), options_.threads);
      const std::int64_t next = in_place ? 0 : ledger_.held_rows()[rank].size() * stage.out.row_bytes();
      ledger_.note(rank, next + cost.memory);
      ledger_.add_traffic(rank, cost.sent, cost.received);
    }
    ledger_.hold(stage.out, Bands(ledger_.held_rows()));
  }

  void run_to_sink(const Stage& stage) {
    const EncodingCost& encoding = options_.encoding;
    const std::int64_t align = options_.piece_rows;
    const std::int64_t rows_at_once = aligned_strip_rows(stage, align);
    over_panels(
        stage, align, true,
        [&](std::size_t rank, const Interval& band) {
          Making making;
          // Encoded strips of other threads may wait for one above them.
          making.in_each_thread =
              encoding.piece +
              static_cast<std::int64_t>(encoding.bodies *
                                        static_cast<double>(encoded_bytes(stage.out, align))) +
              encoded_bytes(stage.out, std::min(rows_at_once, band.size()));
          if (rank == 0) {
            making.held = encoding.root;
          } else {
            // Until the panel ends; where the root writes, once more in the message to it.
            making.held = (options_.every_rank_writes ? 1 : 2) * encoded_bytes(stage.out, band.size());
          }
          return making;
        },
        [&](const Bands& bands, const InputBytes& input) { send_pieces(bands, stage.out, input[0]); });
  }

  /// At the end of a panel: the root gets the index of all pieces and, if it writes for all, what they are.
  void send_pieces(const Bands& bands, const ImageInfo& out, std::int64_t input_of_root) {
    // A piece in a message has both sizes before it.
    const std::int64_t index = options_.encoding.index + 2 * slot_bytes;
    std::int64_t largest = 0;
    for (std::size_t rank = 1; rank < ledger_.ranks(); ++rank) {
      const std::int64_t pieces = (bands[rank].size() + options_.piece_rows - 1) / options_.piece_rows;
      const std::int64_t bytes =
          pieces * index + (options_.every_rank_writes ? 0 : encoded_bytes(out, bands[rank].size()));
      ledger_.send(rank, 0, bytes);
      largest = std::max(largest, bytes);
    }
    // One is appended while the next is on its way.
    ledger_.note(0, options_.encoding.root + input_of_root + 2 * largest);
  }

  /// Runs a stage's strips over all its panels.
  void over_panels(const Stage& stage, std::int64_t align, bool to_sink, const MakingBand& making,
                   const AfterPanel& after = {}) {
    const Panels all = panels(stage, align, to_sink);
    const std::int64_t rows = aligned_strip_rows(stage, align);
    for (std::size_t panel = 0; panel < all.rows.size(); ++panel) {
      const Bands& bands = all.rows[panel];
      const InputBytes input = all.fed ? fed_input(stage.in, *all.fed, panel) : own_input(stage, bands, rows);
      for (std::size_t rank = 0; rank < ledger_.ranks(); ++rank) {
        if (!bands[rank].empty()) {
          const std::int64_t threads = threads_for(bands[rank], rows);
          const ChainBytes chain = largest_chain(stage, bands[rank], rows);
          const Making held = making(rank, bands[rank]);
          ledger_.keep_buffers(rank, threads * chain.buffers);
          ledger_.note(rank,
                       input[rank] + held.held + threads * std::max(chain.kernels, held.in_each_thread));
        }
      }
      if (after) {
        after(bands, input);
      }
    }
  }

  /// Of a panel that the root gives out (engine/feed.cpp).
  InputBytes fed_input(const ImageInfo& in, const PanelNeeds& needs, std::size_t panel) {
    const auto spanned = [&](std::size_t of) {
      return std::max<std::int64_t>(0, spanned_rows(needs[of]).size()) * in.row_bytes();
    };
    InputBytes bytes;
    std::int64_t tiles = 0;
    for (const Interval& rows : needs[panel]) {
      bytes.push_back(rows.size() * in.row_bytes());
      tiles += bytes.back();
    }
    for (std::size_t rank = 1; rank < ledger_.ranks(); ++rank) {
      ledger_.send(0, rank, bytes[rank]);
    }
    // The panel as blocks, and what each rank gets of it, copied.
    ledger_.note(0, spanned(panel) + tiles);
    // While ranks work the next is read.
    bytes[0] += panel + 1 < needs.size() ? spanned(panel + 1) : 0;
    return bytes;
  }

  /// Of strips that read the source themselves, or a band.
  InputBytes own_input(const Stage& stage, const Bands& bands, std::int64_t rows) {
    if (!ledger_.held() && (options_.ranks == 1 || options_.every_rank_reads) &&
        streams(stage, bands, rows)) {
      InputBytes bytes;
      for (const Interval& band : bands) {
        bytes.push_back(block_bytes(stage, *streamed_rows(stage, band, rows)));
      }
      return bytes;
    }
    hold_input();
    return ledger_.exchange(ledger_.held_rows(), stage.in, band_needs(stage, bands));
  }

  /// What is kept of the source because several strips read it (engine/source_pixels.cpp).
  [[nodiscard]] std::int64_t block_bytes(const Stage& stage, const StreamedRows& strips) const {
    const bool in_pieces =
        link_in_pieces(stage.chain, strip_needs(stage.chain, stage.in, {0, 1}), default_max_reduced_bytes)
            .has_value();
    std::int64_t window = 0;
    for (std::size_t i = 0; i < strips.size(); ++i) {
      if (!reads_rows_alone(strips, i) || in_pieces) {
        const std::size_t last =
            std::min(strips.size() - 1, i + static_cast<std::size_t>(options_.threads) - 1);
        window = std::max(window, strips[last].end - strips[i].begin);
      }
    }
    const std::int64_t rows = window == 0 ? 0 : window + source_block_rows(stage.in);
    return std::min(rows, stage.in.extent.height) * stage.in.row_bytes();
  }

  void reduce(const StatisticOp& statistic, const ImageInfo& image) {
    ledger_.all_reduce(reduced_bytes(statistic, image));
  }

  /// Of the strip that takes most.
  [[nodiscard]] ChainBytes largest_chain(const Stage& stage, const Interval& band, std::int64_t rows) const {
    const std::int64_t strips = (band.size() + rows - 1) / rows;
    const std::int64_t step = std::max<std::int64_t>(1, strips / max_strips_looked_at);
    ChainBytes largest;
    for (std::int64_t strip = 0; strip < strips; strip += step) {
      const std::int64_t begin = band.begin + strip * rows;
      const ChainBytes bytes =
          chain_bytes(stage.chain, stage.in, {begin, std::min(band.end, begin + rows)}, kernels_);
      largest.buffers = std::max(largest.buffers, bytes.buffers);
      largest.kernels = std::max(largest.kernels, bytes.kernels);
    }
    return largest;
  }

  [[nodiscard]] std::int64_t working_bytes(const ChainLink& link, const Rect& out) const {
    const bool geometry = link.op && link.op->kind() == LocalKind::geometry;
    const Rect part = geometry ? link.op->needs(out, link.in) : link.halo.grow(out);
    if (link.op) {
      return link.op->working_bytes(link.in, part);
    }
    return bound_ ? bound_->working_bytes(link.in, part) : 0;
  }

  /// The sums of all rows that are made, in floats.
  [[nodiscard]] std::int64_t piecewise_bytes(const ChainLink& link, std::int64_t rows) const {
    const std::int64_t samples = link.out.extent.width * link.out.format.channels;
    return rows * samples * static_cast<std::int64_t>(sizeof(float)) +
           working_bytes(link, Rect::of_rows({0, rows}, link.out.extent.width));
  }

  [[nodiscard]] bool streams(const Stage& stage, const Bands& bands, std::int64_t rows) const {
    return std::all_of(bands.begin(), bands.end(),
                       [&](const Interval& band) { return streamed_rows(stage, band, rows).has_value(); });
  }
  [[nodiscard]] bool root_feeds() const {
    return !ledger_.held() && options_.ranks > 1 && !options_.every_rank_reads;
  }
  [[nodiscard]] Panels panels(const Stage& stage, std::int64_t align, bool to_sink) const {
    return plan_panels(stage, align,
                       {.ranks = options_.ranks,
                        .max_held_bytes = options_.max_held_bytes,
                        .root_feeds = root_feeds(),
                        .encodes = !ledger_.held() && to_sink,
                        .busy_rows = options_.threads * aligned_strip_rows(stage, align)});
  }
  [[nodiscard]] std::int64_t share_of(const ImageInfo& image) const { return image.bytes() / options_.ranks; }
  [[nodiscard]] std::int64_t threads_for(const Interval& band, std::int64_t rows) const {
    return std::min<std::int64_t>(options_.threads, (band.size() + rows - 1) / rows);
  }
  [[nodiscard]] static std::int64_t reduced_bytes(const StatisticOp& statistic, const ImageInfo& image) {
    return static_cast<std::int64_t>(statistic.slots(image)) * slot_bytes;
  }
  [[nodiscard]] std::int64_t encoded_bytes(const ImageInfo& image, std::int64_t rows) const {
    return static_cast<std::int64_t>(
        options_.encoded_ratio *
        static_cast<double>(std::min(rows, image.extent.height) * image.row_bytes()));
  }

  const Plan& plan_;
  const ForecastOptions& options_;
  RankLedger ledger_;
  std::optional<Stage> prefix_;
  std::shared_ptr<const StatisticOp> bound_;
  KernelBytes kernels_{
      [this](const ChainLink& link, const Rect& out) { return working_bytes(link, out); },
      [this](const ChainLink& link, std::int64_t rows) { return piecewise_bytes(link, rows); }};
};

}  // namespace

std::vector<RankForecast> forecast(const Plan& plan, const ForecastOptions& options) {
  return Forecaster(plan, options).run();
}

}  // namespace tessera
