// What a group knows about its ranks and their tasks. Private to rank_group*.cpp.
#pragma once

#include <sys/types.h>

#include <chrono>

#include "node/rank_group.hpp"

namespace tessera {

/// In the scratch folder: what the ranks may see of it. They write to the one and read the other.
inline constexpr const char* ranks_folder = "ranks";

struct RankGroup::Rank {
  std::shared_ptr<RankChannel> channel;
  std::string location;
  pid_t pid = 0;
  std::int64_t memory_bytes = 0;
  std::chrono::steady_clock::time_point last_sign{};
  bool shares_files = false;  ///< sees the folder in which this node gives it images
  std::int64_t ticket = 0;    ///< of the task it has; 0: free
};

struct RankGroup::Running {
  std::vector<int> ranks;
  int answers = 0;
  bool finished = false;
  RankOutcome outcome;
  /// Held while the caller's function runs, and by run() before it returns and the function goes away.
  std::mutex telling;
  std::chrono::steady_clock::time_point next_progress{};  ///< guarded by telling
  const std::function<void(double, const std::string&)>* progress = nullptr;
};

}  // namespace tessera
