// SPDX-License-Identifier: Apache-2.0
// A group's state of ranks and tasks. Private to rank_group*.cpp.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>

#include "node/rank_group.hpp"

namespace tessera {

/// Subfolder of the scratch folder that ranks can access: one part is writable, the other readable.
inline constexpr const char* ranks_folder = "ranks";

struct RankGroup::Rank {
  std::shared_ptr<RankChannel> channel;
  std::string location;
  pid_t pid = 0;
  std::int64_t memory_bytes = 0;
  std::chrono::steady_clock::time_point last_heartbeat{};
  bool shares_files = false;  ///< can read this node's shared folder
  std::int64_t ticket = 0;    ///< of its current task; 0: idle
};

struct RankGroup::Running {
  std::vector<int> ranks;
  int answers = 0;
  bool finished = false;
  RankOutcome outcome;
  bool grants_parts = false;
  std::int64_t next_part = 1;  ///< of which links may be asked for
  std::optional<PartLinksWanted> wanted_links = {};
  /// Held while the progress callback runs, and by run() before it returns and invalidates the callback.
  std::mutex progress_mutex;
  std::chrono::steady_clock::time_point next_progress{};  ///< guarded by progress_mutex
  const std::function<void(double, const std::string&)>* progress = nullptr;
};

}  // namespace tessera
