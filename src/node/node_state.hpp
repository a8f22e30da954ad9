// What a node has of a job under way. Private to node*.cpp.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "node/node.hpp"

namespace tessera {

/// A job under way.
struct Node::Active {
  Delivery delivery;                      ///< the newest; guarded by the node's mutex, as all below
  std::vector<std::uint64_t> older_tags;  ///< of the same message: of a lost connection, or published twice
  std::stop_source stop;
  bool given_up = false;  ///< the node stops: postpone it rather than call it cancelled
  std::jthread thread;
  bool ended = false;     ///< the work; what the queue is told about it may still be on its way
  bool finished = false;  ///< all of it
};

/// Files of one job on this node, gone when it is over.
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
