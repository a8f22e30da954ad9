// Ids of jobs in descending order, some at a time. Inside of the adapter only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "adapters/redis/connection.hpp"
#include "ports/job.hpp"

namespace tessera::redis {

/// The ids of an index (a sorted set whose members all have one score) that are below `after` (empty: all),
/// and of jobs in the state, if one is given. Costs as much as there are ids in the smaller of index and
/// state, and reads no record.
class IdsByName {
 public:
  IdsByName(Connection& connection, std::string index, std::optional<JobState> state, std::string after);
  /// Nothing when there are no more.
  std::vector<std::string> next();

 private:
  void collect_of_state();
  std::vector<std::string> next_of_index();

  Connection& connection_;
  std::string index_;
  std::optional<JobState> state_;
  std::string after_;
  bool of_state_ = false;         ///< `ids_` are all there are
  std::vector<std::string> ids_;  ///< descending
  std::size_t given_ = 0;
  bool ended_ = false;
};

}  // namespace tessera::redis
