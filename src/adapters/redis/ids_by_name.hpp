// SPDX-License-Identifier: Apache-2.0
// Job ids in descending order, page by page. Private to the adapter.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "adapters/redis/connection.hpp"
#include "ports/job.hpp"

namespace tessera::redis {

/// The ids of an index (a sorted set with equal scores) that are below `after` (empty: all), optionally only
/// of jobs in `state`. The cost is that of the smaller of index and state; no records are read.
class IdsByName {
 public:
  IdsByName(Connection& connection, std::string index, std::optional<JobState> state, std::string after);
  /// The next page; empty at the end.
  std::vector<std::string> next();

 private:
  void collect_of_state();
  std::vector<std::string> next_of_index();

  Connection& connection_;
  std::string index_;
  std::optional<JobState> state_;
  std::string after_;
  bool of_state_ = false;         ///< `ids_` holds all ids
  std::vector<std::string> ids_;  ///< descending
  std::size_t given_ = 0;
  bool ended_ = false;
};

}  // namespace tessera::redis
