// SPDX-License-Identifier: Apache-2.0
// A source that only the root can read, and only in order, given out to all ranks panel by panel: the rows of
// one panel are on their way or being worked on while those of the next are read.
#pragma once

#include <deque>
#include <future>
#include <memory>
#include <optional>
#include <vector>

#include "comm/communicator.hpp"
#include "engine/strips.hpp"
#include "image/stream.hpp"

namespace tessera {

/// Rows of the source that each rank needs for each panel: needs[panel][rank], empty for a rank without work.
using PanelNeeds = std::vector<std::vector<Interval>>;

/// The rows from the first that any rank needs to the last; an end of 0 if none needs any.
[[nodiscard]] Interval spanned_rows(const std::vector<Interval>& needs);

class Feeder {
 public:
  /// `source` is null on all ranks but the root. Rows must not fall from panel to panel.
  Feeder(Source* source, const ImageInfo& info, PanelNeeds needs, Communicator& comm, std::stop_token stop);
  /// The rows this rank needs for the next panel. Collective; throws the same Error on every rank.
  [[nodiscard]] Tile next_panel();

 private:
  void read_up_to(const Interval& rows);
  void read_ahead(const std::vector<Interval>& needs);
  [[nodiscard]] std::vector<Tile> tiles_for(const std::vector<Interval>& needs);
  [[nodiscard]] Tile assemble(const Interval& rows) const;

  Source* source_;
  ImageInfo info_;
  PanelNeeds needs_;
  Communicator& comm_;
  std::stop_token stop_;
  std::size_t panel_ = 0;
  // Root only. The reader's thread has these while `ahead_` is pending.
  std::deque<Tile> blocks_;
  std::int64_t read_to_ = 0;
  std::future<void> ahead_;
};

/// Strips that read rows which are all here.
class TileInput final : public StripInput {
 public:
  explicit TileInput(Tile tile) : tile_(std::move(tile)) {}
  void fetch(std::int64_t, Tile& out) override { copy_overlap(tile_, out); }
  void release(std::int64_t) override {}
  void finish() override {}

 private:
  Tile tile_;
};

/// What each rank needs of the source for each panel of a stage's result (`panels[p][rank]` are rows of the
/// result), if that can be fed in order: full-width rows inside the image that do not fall from panel to
/// panel.
[[nodiscard]] std::optional<PanelNeeds> panel_needs(const std::vector<ChainLink>& chain, const ImageInfo& in,
                                                    const std::vector<std::vector<Interval>>& panels);

/// How a stage's result is made, panel by panel.
struct Panels {
  std::vector<std::vector<Interval>> rows;  ///< of the result, for each panel and rank
  std::optional<PanelNeeds> fed;            ///< set if the root feeds them
};
struct PanelOptions {
  int ranks = 1;
  std::int64_t max_held_bytes = 0;  ///< of a rank
  bool root_feeds = false;          ///< the source can only be read by the root
  bool encodes = false;             ///< ranks keep what they have encoded until the panel ends; else a band
  std::int64_t busy_rows = 1;       ///< of the result, that keep all threads of a rank busy
  std::int64_t first_row = 0;       ///< of the result, that is to be made
  std::int64_t max_bytes = 0;       ///< of the result, that a rank makes of a panel; 0: no limit of its own
};
/// Several panels where ranks would otherwise hold too much of the source or of what they have encoded, but
/// not so many that threads are idle: ranks that read for themselves get at least `busy_rows` at a time.
/// Every rank gets as many rows of a panel as any, in multiples of `align`.
[[nodiscard]] Panels plan_panels(const Stage& stage, std::int64_t align, const PanelOptions& options);

}  // namespace tessera
