// SPDX-License-Identifier: Apache-2.0
#include "engine/run.hpp"

#include <fmt/format.h>

#include <array>
#include <chrono>

#include "base/machine.hpp"
#include "comm/counted.hpp"
#include "engine/band_frame.hpp"
#include "engine/chain.hpp"
#include "engine/collective.hpp"
#include "engine/feed.hpp"
#include "engine/pixels.hpp"
#include "engine/report.hpp"
#include "engine/result_route.hpp"
#include "engine/statistic_link.hpp"
#include "engine/strips.hpp"
#include "engine/workers.hpp"
#include "ops/alpha/opaque.hpp"

namespace tessera {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// One run over one plan: the state that travels from stage to stage.
class Run {
 public:
  Run(const Plan& plan, Source* source, Sink& sink, Communicator& comm, const RunOptions& options)
      : plan_(plan), source_(source), sink_(sink), comm_(comm), options_(options) {
    std::array<std::uint64_t, 2> most{source_ != nullptr && source_->random_access() ? 0U : 1U,
                                      static_cast<std::uint64_t>(options_.threads)};
    comm_.all_reduce(most, Merge::maximum);
    every_rank_reads_ = most[0] == 0;
    max_threads_ = static_cast<int>(most[1]);
  }

  RunReport run() {
    for (std::size_t i = 0; i < plan_.stages.size(); ++i) {
      const auto start = Clock::now();
      stage_ = static_cast<int>(i);
      run_stage(after_prefix(plan_.stages[i]), i + 1 == plan_.stages.size());
      report_.stages.push_back({stage_name(plan_.stages[i]), seconds_since(start)});
    }
    rank_.busy_seconds = static_cast<double>(busy_ns_) * 1e-9;
    rank_.sent_bytes = comm_.sent_bytes();
    rank_.received_bytes = comm_.received_bytes();
    rank_.peak_memory_bytes = resident_memory().peak;
    report_.ranks = gather_rank_reports(comm_, rank_);
    if (comm_.root()) {
      report_.warnings = source_->warnings();
      const std::vector<std::string> of_sink = sink_.warnings();
      report_.warnings.insert(report_.warnings.end(), of_sink.begin(), of_sink.end());
    }
    return std::move(report_);
  }

 private:
  /// The stage with every operator bound: its first may be what the statistic before has become. If that was
  /// only looked at and not kept, its chain runs once more, in front.
  Stage after_prefix(Stage stage) {
    if (!stage.chain.empty() && !stage.chain.front().op) {
      stage.chain.front().op = bound_;
    }
    if (prefix_) {
      stage.in = prefix_->in;
      stage.chain.insert(stage.chain.begin(), prefix_->chain.begin(), prefix_->chain.end());
      prefix_.reset();
    }
    if (two_pass_) {
      two_pass_ = false;
      collective_pixel_work(comm_, [&] {
        if (source_ != nullptr) {
          source_->rewind();
        }
      });
    }
    return stage;
  }

  void run_stage(const Stage& stage, bool last) {
    if (stage.statistic && !stage.statistic->halo(stage.out).none()) {
      run_stage_to_statistic_with_halo(stage);
      return;
    }
    if (last) {
      if (pieces_read_too_much(stage)) {
        run_strips_to_band(stage);
        run_strips_to_sink({.in = stage.out, .out = stage.out});
      } else {
        run_strips_to_sink(stage);
      }
      return;
    }
    if (stage.statistic && take_statistic_in_two_passes(stage)) {
      return;
    }
    if (stage.fuse_with_next && share_of(stage.out) > options_.max_held_bytes) {
      prefix_ = stage;
      return;
    }
    if (!stage.chain.empty() || !held_) {
      run_strips_to_band(stage);
    } else if (stage.statistic) {
      run_statistic_with_halo(*stage.statistic);
    }
    if (stage.whole_frame) {
      run_whole_frame(stage);
    }
  }

  /// Its chain is empty but for what the stage before has left to be made.
  void run_stage_to_statistic_with_halo(const Stage& stage) {
    if (take_statistic_in_two_passes(stage)) {
      return;
    }
    if (!stage.chain.empty()) {
      Stage making = stage;
      making.statistic = nullptr;
      run_strips_to_band(making);
    }
    hold_input();
    run_statistic_with_halo(*stage.statistic);
  }

  [[nodiscard]] std::int64_t share_of(const ImageInfo& image) const { return image.bytes() / comm_.size(); }

  [[nodiscard]] bool pieces_read_too_much(const Stage& stage) const {
    return !held_ && share_of(stage.out) <= options_.max_held_bytes &&
           tessera::pieces_read_too_much(stage, sink_.piece_rows(),
                                         options_.max_held_bytes / 4 / options_.threads);
  }

  /// Where the pixels that lead to a statistic are too many to hold, and what they are made from can be had
  /// again: takes the statistic as they pass, and leaves them to be made once more for the next stage. False,
  /// with nothing done, where that is not so.
  bool take_statistic_in_two_passes(const Stage& stage) {
    if (share_of(stage.out) <= options_.max_held_bytes || !can_be_made_twice(stage)) {
      return false;
    }
    const auto link = std::make_shared<StatisticLink>(stage.statistic, stage.statistic->slots(stage.out));
    const Stage looking = with_statistic_link(stage, link);
    if (!held_ && !source_can_be_read_twice(looking)) {
      if (stage.in.bytes() > stage.out.bytes() / 2 || share_of(stage.in) > options_.max_held_bytes) {
        return false;
      }
      hold_input();  // little beside what is made of it
    } else if (held_ && held_->info.bytes() > stage.out.bytes() / 2) {
      return false;
    }
    over_panels(looking, 1, panels(looking, 1, false), [&](const StripContext& strips, StripInput& input) {
      StripFindings discarded_findings(looking.chain, strips.count(comm_.rank()));
      collective_pixel_work(comm_, [&] {
        for_each_strip(strips, input, discarded_findings, [](int, std::int64_t, const Tile&) {});
        input.finish();
      });
    });
    std::vector<std::uint64_t> slots = link->merged();
    bind(*stage.statistic, slots, stage.out);
    prefix_ = stage;
    two_pass_ = !held_;
    return true;
  }

  /// Whether the source can be read twice, and in the order in which the stage wants it. Collective.
  bool source_can_be_read_twice(const Stage& stage) {
    std::uint64_t cannot = source_ == nullptr || source_->can_rewind() ? 0 : 1;
    if (cannot == 0) {
      const Panels all = panels(stage, 1, false);
      const bool in_order =
          root_feeds() ? all.fed.has_value()
                       : streaming_rows(context(stage, all.rows.front(), 1), comm_.rank()).has_value();
      cannot = in_order ? 0 : 1;
    }
    comm_.all_reduce(std::span(&cannot, 1), Merge::maximum);
    return cannot == 0;
  }

  /// Whether rows come from the root, which reads them in order.
  [[nodiscard]] bool root_feeds() const { return !held_ && comm_.size() > 1 && !every_rank_reads_; }

  [[nodiscard]] Panels panels(const Stage& stage, std::int64_t align, bool to_sink) const {
    return plan_panels(stage, align,
                       {comm_.size(), options_.max_held_bytes, root_feeds(), !held_ && to_sink,
                        max_threads_ * strip_rows(stage, align), to_sink ? options_.first_row : 0,
                        to_sink ? options_.max_panel_bytes : 0});
  }

  using PanelWork = std::function<void(const StripContext&, StripInput&)>;
  /// Runs a stage's strips, with their pixels, a panel at a time.
  void over_panels(const Stage& stage, std::int64_t align, Panels all, const PanelWork& work) {
    std::optional<Feeder> feeder;
    if (all.fed) {
      feeder.emplace(source_, stage.in, std::move(*all.fed), comm_, options_.stop);
    }
    for (std::size_t panel = 0; panel < all.rows.size(); ++panel) {
      StripContext strips = context(stage, all.rows[panel], align);
      strips.progress = [&, panel](double fraction) {
        progress((static_cast<double>(panel) + fraction) / static_cast<double>(all.rows.size()));
      };
      const std::unique_ptr<StripInput> input =
          feeder ? std::make_unique<TileInput>(feeder->next_panel()) : input_for(strips);
      if (!feeder && !held_) {
        if (panel == 0) {
          read_ahead(strips);
        }
        if (panel + 1 < all.rows.size()) {
          read_ahead(context(stage, all.rows[panel + 1], align));
        }
      }
      work(strips, *input);
      rank_.strips += static_cast<int>(strips.count(comm_.rank()));
    }
  }

  /// Lets the source fetch what these strips read, so that the next panel's rows come while those of one are worked
  /// on.
  void read_ahead(const StripContext& strips) {
    const std::optional<StreamedRows> rows = streaming_rows(strips, comm_.rank());
    if (!rows || rows->empty()) {
      return;
    }
    const Interval all =
        Interval{rows->front().begin, rows->back().end}.intersect({0, source_->info().extent.height});
    try {
      if (!all.empty()) {
        source_->read_ahead(all, max_read_ahead_bytes(strips.stage, strips.strip_rows, options_.threads,
                                                      options_.max_held_bytes));
      }
    } catch (const std::exception&) {
      // Only time is lost. What lasts is met again by reading the rows, where the ranks agree on failures.
      return;
    }
  }

  [[nodiscard]] std::int64_t strip_rows(const Stage& stage, std::int64_t align) const {
    return aligned_strip_rows(stage, align, options_.strip_rows);
  }

  StripContext context(const Stage& stage, const std::vector<Interval>& bands, std::int64_t align) {
    StripContext result{stage, comm_, options_, runners_, bands, strip_rows(stage, align)};
    result.progress = [this](double fraction) { progress(fraction); };
    result.busy_ns = &busy_ns_;
    return result;
  }

  /// Pixels come from the source when no stage has made a band yet and strips can read it in order; else from
  /// a band.
  std::unique_ptr<StripInput> input_for(const StripContext& strips) {
    if (!held_) {
      const bool own_source = comm_.size() == 1 || every_rank_reads_;
      std::optional<StreamedRows> rows = streaming_rows(strips, comm_.rank());
      std::uint64_t cannot = own_source && rows ? 0 : 1;
      comm_.all_reduce(std::span(&cannot, 1), Merge::maximum);
      if (cannot == 0) {
        return std::make_unique<SourceInput>(*source_, std::move(*rows));
      }
      hold_input();
    }
    return std::make_unique<BandInput>(*held_, strips, comm_);
  }

  void hold_input() {
    if (!held_) {
      run_strips_to_band({.in = plan_.in, .out = plan_.in});
    }
  }

  void run_strips_to_band(const Stage& stage) {
    const ImageInfo info = stage.chain.empty() ? stage.in : stage.chain.back().out;
    std::optional<Band> next;
    collective_pixel_work(comm_, [&] {
      next = Band::allocate(info, split_rows(info.extent.height, comm_.size()), comm_.rank());
    });
    SlotSet merged(stage.statistic ? stage.statistic->slots(info) : 0, options_.threads);
    std::vector<Findings> found;
    over_panels(stage, 1, panels(stage, 1, false), [&](const StripContext& strips, StripInput& input) {
      const bool in_place = strips.bands == next->rows;
      Band panel{info, strips.bands, {}};
      StripFindings findings(stage.chain, strips.count(comm_.rank()));
      collective_pixel_work(comm_, [&] {
        panel = in_place ? *next : Band::allocate(info, strips.bands, comm_.rank());
        for_each_strip(strips, input, findings, [&](int worker, std::int64_t, const Tile& strip) {
          copy_overlap(strip, panel.mine);
          if (stage.statistic) {
            stage.statistic->map(strip.color, merged.of(worker),
                                 Region{info, strip.rect, strip.rect, false, nullptr, options_.stop,
                                        transparency_of(strip.alpha)});
          }
        });
        input.finish();
      });
      if (!in_place) {
        keep_panel(panel, *next, comm_);
      }
      append(found, findings.gather(comm_));
    });
    report_.findings.insert(report_.findings.end(), found.begin(), found.end());
    held_ = std::move(next);
    if (stage.statistic) {
      bind(*stage.statistic, merged.merge(stage.statistic->merge()), info);
    }
  }

  void run_statistic_with_halo(const StatisticOp& statistic) {
    const ImageInfo& info = held_->info;
    const Halo halo = statistic.halo(info);
    SlotSet merged(statistic.slots(info), options_.threads);
    const Stage mapping{.in = info, .out = info};
    const StripContext strips = context(mapping, held_->rows, 1);
    // Without a chain the strips are the input itself; the ghost pixels are this statistic's.
    const Tile grown = BandFrame(*held_, comm_, options_.threads, options_.stop)
                           .with_halo(held_->mine, halo, statistic.border(), statistic.border_value());
    collective_pixel_work(comm_, [&] {
      for_each_index(
          options_.threads, strips.count(comm_.rank()), options_.stop, [&](int worker, std::int64_t index) {
            const Rect rect = Rect::of_rows(strips.rows(comm_.rank(), index), info.extent.width);
            const Rect part = halo.grow(rect);
            const Tile tile = grown.view(part);
            statistic.map(
                tile.color, merged.of(worker),
                Region{info, part, rect, false, nullptr, options_.stop, transparency_of(tile.alpha)});
          });
    });
    bind(statistic, merged.merge(statistic.merge()), info);
  }

  void bind(const StatisticOp& statistic, std::span<std::uint64_t> slots, const ImageInfo& info) {
    comm_.all_reduce(slots, statistic.merge());
    bound_ = statistic.finish(slots, info);
  }

  void run_whole_frame(const Stage& stage) {
    const ImageInfo& out_info = stage.out;
    Band next = stage.whole_frame->in_place() && out_info == held_->info
                    ? *held_
                    : Band::allocate(out_info, held_->rows, comm_.rank());
    BandFrame frame(*held_, comm_, options_.threads, options_.stop);
    // A whole-frame operator talks to the other ranks as it goes, so a failure in it cannot be agreed on
    // afterwards.
    const auto start = Clock::now();
    try {
      stage.whole_frame->run(frame, held_->mine, next.mine);
      busy_ns_ += std::chrono::nanoseconds(Clock::now() - start).count();
    } catch (const CollectiveCancelled&) {
      throw;
    } catch (const std::exception& error) {
      const auto* const known = dynamic_cast<const Error*>(&error);
      if (known != nullptr && known->code() == ErrorCode::cancelled) {
        frame.agree_to_continue();
      }
      comm_.abort(error);
      throw;
    }
    frame.agree_to_continue();
    if (out_info.format.alpha) {
      next.mine.alpha = held_->mine.alpha;
    }
    if (comm_.root() && !stage.whole_frame->finding_columns().empty()) {
      report_.findings.push_back({stage.end_name, stage.whole_frame->finding_columns(), frame.findings()});
    }
    held_ = std::move(next);
    progress(1);
  }

  void run_strips_to_sink(const Stage& stage) {
    std::vector<Findings> found;
    rank_.bands = 0;
    ResultRoute result(sink_, comm_);
    const std::int64_t align = sink_.piece_rows();
    begin_fraction_ = static_cast<double>(options_.first_row) /
                      static_cast<double>(std::max<std::int64_t>(1, stage.out.extent.height));
    over_panels(stage, align, panels(stage, align, true), [&](const StripContext& strips, StripInput& input) {
      StripFindings findings(stage.chain, strips.count(comm_.rank()));
      PanelRoute route(strips, result, comm_);
      collective_pixel_work(comm_, [&] {
        try {
          for_each_strip(
              strips, input, findings,
              [&](int, std::int64_t index, const Tile& strip) { route.put(index, strip); },
              [&](std::int64_t index, std::exception_ptr failure) {
                route.abandon(index, std::move(failure));
              });
          input.finish();
        } catch (...) {
          route.fail();
          throw;
        }
        route.finish();
      });
      count_rows(strips.bands[static_cast<std::size_t>(comm_.rank())]);
      append(found, findings.gather(comm_));
    });
    collective_pixel_work(comm_, [&] { result.complete_own(); });
    collective_pixel_work(comm_, [&] {
      if (comm_.root()) {
        sink_.finish();
      }
    });
    rank_.written_bytes = result.written_bytes();
    report_.why_gathered = result.why_gathered();
    report_.findings.insert(report_.findings.end(), found.begin(), found.end());
    progress(1);
  }

  void count_rows(const Interval& band) {
    if (!band.empty()) {
      rank_.rows = rank_.bands == 0 ? band : Interval{rank_.rows.begin, rank_.rows.end + band.size()};
      ++rank_.bands;
    }
  }

  /// Lists of the next panel, behind those of the panels above it.
  static void append(std::vector<Findings>& found, std::vector<Findings> next) {
    if (found.empty()) {
      found = std::move(next);
      return;
    }
    for (std::size_t i = 0; i < next.size(); ++i) {
      found[i].values.insert(found[i].values.end(), next[i].values.begin(), next[i].values.end());
    }
  }

  void progress(double stage_fraction) {
    if (!options_.progress || !comm_.root()) {
      return;
    }
    const std::scoped_lock lock(progress_mutex_);
    const auto stages = static_cast<double>(plan_.stages.size());
    const double fraction = (stage_ + begin_fraction_ + (1 - begin_fraction_) * stage_fraction) / stages;
    if (fraction > progress_fraction_) {
      progress_fraction_ = fraction;
      options_.progress({stage_, static_cast<int>(plan_.stages.size()), fraction});
    }
  }

  const Plan& plan_;
  Source* source_;
  Sink& sink_;
  CountedCommunicator comm_;
  const RunOptions& options_;
  bool every_rank_reads_ = false;
  int max_threads_ = 1;  ///< of any rank
  std::optional<Band> held_;
  std::shared_ptr<const LocalOp> bound_;
  /// Stages whose pixels were not kept: they are still to be made for those behind them.
  std::optional<Stage> prefix_;
  bool two_pass_ = false;
  std::vector<ChainRunner> runners_ = std::vector<ChainRunner>(static_cast<std::size_t>(options_.threads));
  RunReport report_;
  RankReport rank_;
  int stage_ = 0;
  std::atomic<std::int64_t> busy_ns_{0};
  std::mutex progress_mutex_;
  double progress_fraction_ = 0;
  double begin_fraction_ = 0;  ///< of the last stage: what is in the result already
};

}  // namespace

RunReport run_plan(const Plan& plan, Source* source, Sink& sink, Communicator& comm,
                   const RunOptions& options) {
  return Run(plan, source, sink, comm, options).run();
}

}  // namespace tessera
