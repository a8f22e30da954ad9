// SPDX-License-Identifier: Apache-2.0
// A node's state of an active job. Private to node*.cpp.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "node/node.hpp"

namespace tessera {

/// An active job.
struct Node::Active {
  Delivery delivery;  ///< the newest delivery; guarded by the node's mutex, as are all members below
  std::vector<std::uint64_t> older_tags;  ///< duplicates: of a lost connection, or published twice
  std::stop_source stop;
  bool given_up = false;  ///< the node stops: postpone the job rather than treat it as cancelled
  std::jthread thread;
  bool ended = false;     ///< processing is over; the delivery may not be settled yet
  bool finished = false;  ///< the delivery is settled too
};

/// A job's files on this node; removed at the end.
class Node::JobFiles {
 public:
  JobFiles(const std::filesystem::path& scratch, const std::string& job_id, const std::string& extension)
      : input(scratch / (job_id + ".in")), output(scratch / (job_id + ".out." + extension)) {
    remove();
  }
  ~JobFiles() { remove(); }
  JobFiles(const JobFiles&) = delete;
  JobFiles& operator=(const JobFiles&) = delete;
  void remove() const {
    std::error_code ignored;  // they need not be there
    std::filesystem::remove(input, ignored);
    std::filesystem::remove(output, ignored);
  }
  std::filesystem::path input;
  std::filesystem::path output;
};

}  // namespace tessera
