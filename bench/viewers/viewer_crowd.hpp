// SPDX-License-Identifier: Apache-2.0
// Many viewers of large pictures in one thread, each on connections of its own, as browsers open them. They come one
// after the other, ask for the tiles of what they see, look for a while, and go on whether the tiles have come or
// not: what a slow service does not answer waits, and the times show it (an open loop).
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <queue>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/file_descriptor.hpp"
#include "tile_walk.hpp"

namespace tessera::bench {

struct ViewedPicture {
  std::string object;
  std::string token;  ///< of its owner
  PictureSize size;
};

struct CrowdOptions {
  int port = 0;  ///< of 127.0.0.1
  int viewers = 1000;
  int connections = 4;  ///< of each viewer, at most
  std::chrono::duration<double> arrival{20};
  std::chrono::duration<double> duration{60};  ///< from the first arrival
  std::chrono::duration<double> settling{
      20};  ///< what came before this is told apart: nothing is cached then
  std::chrono::duration<double> least_pause{4};
  std::chrono::duration<double> most_pause{12};
  int every_nth_is_a_map = 8;  ///< takes XYZ tiles
  unsigned seed = 1;
};

/// Times run from when a tile is wanted until its last byte has come; a tile may wait for a connection of its viewer.
struct TileTimes {
  std::vector<double> cached_ms;  ///< tiles that some viewer has got before
  /// Of the same tiles, from when they are asked for on a connection: without the wait for new tiles of their viewer.
  std::vector<double> cached_answer_ms;
  std::vector<double> new_ms;  ///< all others, also those that another viewer waits for already
};

struct CrowdReport {
  TileTimes settled;
  TileTimes settling;
  std::vector<double> open_ms;  ///< POST /v1/views
  std::map<int, int> refusals;  ///< answers other than 200, by status
  std::int64_t overtaken = 0;   ///< tiles not asked for yet when the viewer went on
  std::int64_t broken = 0;      ///< connections that ended under a request
  std::int64_t bytes = 0;       ///< of answers
  std::int64_t different_tiles = 0;
};

class ViewerCrowd {
 public:
  /// Viewers take the pictures in turn.
  ViewerCrowd(CrowdOptions options, std::vector<ViewedPicture> pictures);
  ~ViewerCrowd();
  ViewerCrowd(const ViewerCrowd&) = delete;
  ViewerCrowd& operator=(const ViewerCrowd&) = delete;

  /// Returns after the duration. Throws std::runtime_error for answers that are not HTTP.
  CrowdReport run();

 private:
  using Clock = std::chrono::steady_clock;
  struct Viewer;
  struct Connection;
  struct Wanted {
    Tile tile;
    bool opening = false;  ///< POST /v1/views instead
    bool cached = false;
    Clock::time_point since;
    Clock::time_point asked = {};
  };
  struct Due {
    Clock::time_point at;
    std::size_t viewer = 0;
    bool operator>(const Due& other) const { return at > other.at; }
  };

  void act(std::size_t viewer);
  void look(Viewer& viewer);
  void dispatch(Viewer& viewer);
  void send(Viewer& viewer, Connection& connection);
  bool connect(Viewer& viewer, Connection& connection);
  void transfer(std::size_t viewer, std::size_t connection);
  void receive(Viewer& viewer, Connection& connection);
  void finish(Viewer& viewer, Connection& connection, int status, const std::string& body);
  void lose(Viewer& viewer, Connection& connection);

  const CrowdOptions options_;
  const std::vector<ViewedPicture> pictures_;
  FileDescriptor epoll_;
  std::vector<std::unique_ptr<Viewer>> viewers_;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  std::vector<std::set<Tile>> answered_;  ///< by picture: tiles that somebody has got
  std::vector<char> buffer_;              ///< what was received last
  Clock::time_point begin_;
  CrowdReport report_;
};

}  // namespace tessera::bench
