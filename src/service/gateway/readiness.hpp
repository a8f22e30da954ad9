// Whether the parts that the service works with answer. They are asked in the background: nobody who wants to
// know waits for them.
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
    /// Asks the part, however long that takes. Returns what is wrong in words that anyone may read; empty if
    /// nothing is. What it throws goes to the log only: it may name hosts and folders.
    std::function<std::string()> check;
  };
  struct Options {
    std::chrono::milliseconds interval{2'000};    ///< between two questions to a part
    std::chrono::milliseconds time_limit{5'000};  ///< for an answer
    std::shared_ptr<spdlog::logger> log;
  };
  /// Asks each part on a thread of its own, so that one that does not answer hides no other.
  Readiness(Options options, std::vector<Part> parts);
  ~Readiness();  ///< waits for the questions that are open
  Readiness(const Readiness&) = delete;
  Readiness& operator=(const Readiness&) = delete;

  /// Of each part "ready", or what is wrong, as of a few seconds ago. Returns at once.
  [[nodiscard]] Json parts() const;

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct State {
    Part part;
    std::string wrong;  ///< empty: it is ready
    Time asked;         ///< when the open question, or the last one, was asked
    bool open = false;  ///< the question has not been answered
  };
  void ask(State& state, const std::stop_token& stop);
  void note(State& state, const std::string& wrong, const std::string& details);

  const Options options_;
  mutable std::mutex mutex_;
  std::condition_variable_any stopping_;
  std::vector<State> states_;
  std::vector<std::jthread> askers_;
};

}  // namespace tessera::service
