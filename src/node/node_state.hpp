// What a node has of a job under way. Private to node*.cpp.
#pragma once

#include <filesystem>
#include <string>

#include "node/node.hpp"

namespace tessera {

/// A job under way.
struct Node::Active {
  int generation = 0;  ///< of the job
  std::stop_source stop;
  bool given_up = false;  ///< the node stops: give it back rather than call it cancelled
  std::jthread thread;
  bool ended = false;
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
  std::filesystem::path input;
  std::filesystem::path output;

 private:
  void remove() const {
    std::error_code ignored;  // they need not be there
    std::filesystem::remove(input, ignored);
    std::filesystem::remove(output, ignored);
  }
};

}  // namespace tessera
