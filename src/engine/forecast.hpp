// SPDX-License-Identifier: Apache-2.0
// What a run will probably use, told from the functions that the run follows. plan/estimate.cpp tells what it may use
// at most.
#pragma once

#include <vector>

#include "image/sink.hpp"
#include "plan/plan.hpp"

namespace tessera {

struct ForecastOptions {
  int ranks = 1;
  int threads = 1;  ///< of each rank
  bool every_rank_reads = true;
  bool source_can_rewind = true;
  std::int64_t source_bytes = 0;  ///< Source::working_bytes()
  std::int64_t piece_rows = 64;   ///< of the sink
  EncodingCost encoding = {};     ///< of the sink
  /// Whether the ranks write what they make; else the root writes for all.
  bool every_rank_writes = true;
  /// Bytes of the result for each byte of its pixels.
  double encoded_ratio = 1;
  std::int64_t at_rest_bytes = 0;  ///< of a process that does nothing yet
  std::int64_t max_held_bytes = default_max_held_bytes;
};

struct RankForecast {
  std::int64_t memory_bytes = 0;  ///< resident, at the peak
  std::int64_t sent_bytes = 0;    ///< to other ranks
  std::int64_t received_bytes = 0;
};

/// For each rank. Left out are what depends on what the pixels show (how many edges there are), and the short messages
/// by which ranks agree. Requires a plan that the run can begin.
[[nodiscard]] std::vector<RankForecast> forecast(const Plan& plan, const ForecastOptions& options);

}  // namespace tessera
