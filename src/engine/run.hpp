// SPDX-License-Identifier: Apache-2.0
// Runs a plan over a group of ranks.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "comm/communicator.hpp"
#include "image/sink.hpp"
#include "image/stream.hpp"
#include "plan/plan.hpp"
#include "tessera/report.hpp"

namespace tessera {

struct RunOptions {
  int threads = 1;              ///< of this rank
  std::int64_t strip_rows = 0;  ///< 0: chosen by the plan
  /// Pixels that a rank may hold where it could also do without, by reading the source again or working on a
  /// part of the image at a time. Whole-frame operators and what cannot be read in order hold more.
  std::int64_t max_held_bytes = default_max_held_bytes;
  std::int64_t max_reduced_bytes = default_max_reduced_bytes;
  /// Of the result, that a rank makes in a panel, which is what is lost if the run ends; 0: as many as it may hold.
  std::int64_t max_panel_bytes = 0;
  /// Rows of the result above this one are in the sink already: a multiple of its piece_rows(), less than the height,
  /// the same on every rank. Operators of the plan list no findings then.
  std::int64_t first_row = 0;
  std::function<void(const Progress&)> progress;  ///< on the root rank; called from any thread, one at a time
  std::stop_token stop;                           ///< when asked, every rank throws Error(cancelled)
};

struct StageReport {
  std::string name;
  double seconds = 0;
};
/// One entry for each rank, gathered on the root.
struct RankReport {
  std::string location;
  /// Of the result that the rank made: from its first row, as many as it made in all.
  Interval rows;
  int bands = 0;  ///< in how many places
  int strips = 0;
  std::int64_t sent_bytes = 0;  ///< to other ranks, whatever for
  std::int64_t received_bytes = 0;
  std::int64_t written_bytes = 0;  ///< into the result, by this rank itself
  /// Resident memory of the rank's process, so far: also for what it did before.
  std::int64_t peak_memory_bytes = 0;
  double busy_seconds = 0;  ///< summed over its threads
};
struct RunReport {
  std::vector<StageReport> stages;
  std::vector<RankReport> ranks;   ///< root only
  std::vector<Findings> findings;  ///< root only
  /// Root only: why the ranks did not write their own parts of the result. Empty: they did, or there is one.
  std::string why_gathered;
  /// Root only: what was dropped, converted or not understood, a sentence each.
  std::vector<std::string> warnings;
};

/// Collective. On the root, `source` gives the pixels; on the other ranks it may be null, or, if it is
/// random-access, their own opening of the same image, and then each rank reads its own rows. Every rank has
/// a sink made with the same options: all encode; where all can reach the result each writes its own part of
/// it, else the root writes it; the root finishes it. The result's bytes depend
/// only on the plan and the pixels. Throws the same Error on every rank.
RunReport run_plan(const Plan& plan, Source* source, Sink& sink, Communicator& comm,
                   const RunOptions& options);

}  // namespace tessera
