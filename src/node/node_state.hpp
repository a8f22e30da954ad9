// What a node knows about a job under way. Private to node*.cpp.
#pragma once

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

}  // namespace tessera
