// SPDX-License-Identifier: Apache-2.0
// Health checks of the service's dependencies. They run in the background, so readiness requests never wait
// for them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/json.hpp"

namespace spdlog {
class logger;
}

namespace tessera::service {

class Readiness {
 public:
  struct Part {
    std::string name;
    /// Checks the part; may block. Returns a problem description for the public, empty if there is none.
    /// Exceptions are only logged, because they may contain hosts and folders.
    std::function<std::string()> check;
  };
  struct Options {
    std::chrono::milliseconds interval{2'000};    ///< between two checks of a part
    std::chrono::milliseconds time_limit{5'000};  ///< for a response
    std::shared_ptr<spdlog::logger> log;
  };
  /// Checks each part on its own thread, so that one that does not respond hides no other.
  Readiness(Options options, std::vector<Part> parts);
  ~Readiness();  ///< waits for running checks
  Readiness(const Readiness&) = delete;
  Readiness& operator=(const Readiness&) = delete;

  /// For each part "ready" or the problem, as of a few seconds ago. Returns at once.
  [[nodiscard]] Json parts() const;

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct State {
    Part part;
    std::string wrong;  ///< empty: ready
    Time checked;       ///< start of the running or last check
    bool open = false;  ///< the check is still running
  };
  void probe(State& state, const std::stop_token& stop);
  void note(State& state, const std::string& wrong, const std::string& details);

  const Options options_;
  mutable std::mutex mutex_;
  std::condition_variable_any stopping_;
  std::vector<State> states_;
  std::vector<std::jthread> probes_;
};

}  // namespace tessera::service
