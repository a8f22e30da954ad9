// SPDX-License-Identifier: Apache-2.0
// Whether a node may receive jobs. A failure of the machine or of a server says nothing about the job that
// hit it, and would hit the next one too: the node then pauses, checks whether the cause is gone, and resumes
// automatically.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>

#include "base/error.hpp"

namespace tessera {

struct HealthOptions {
  /// After this many consecutive machine failures the node reports that it is unhealthy. A single one only
  /// causes a check before the next job.
  int failures_in_a_row = 3;
  std::chrono::milliseconds first_pause{500};  ///< after a failure; doubles up to max_pause
  std::chrono::milliseconds max_pause{60'000};
  std::int64_t min_free_bytes = std::int64_t{16} << 20;  ///< in the scratch folder, needed to receive a job
  int min_free_descriptors = 64;  ///< below the limit of open files, needed to receive a job
};

/// Safe to use from many threads.
class NodeHealth {
 public:
  /// `check_servers` throws Error if the object store or the state store cannot be used; it may block for
  /// long.
  NodeHealth(HealthOptions options, std::filesystem::path scratch, std::function<void()> check_servers);

  /// Reports a failure that the job did not cause; `reason` is a sentence.
  void failed(FailureOrigin origin, const std::string& reason);
  /// Reports a completed job.
  void succeeded();

  /// Whether a job may be received now. Checks the machine's resources; after a failure, once the pause is
  /// over, also tests the scratch folder and the servers.
  [[nodiscard]] bool may_receive();
  /// Why the node receives no jobs, as a sentence; empty when it is healthy.
  [[nodiscard]] std::string problem() const;
  /// Number of completed jobs since the start.
  [[nodiscard]] std::int64_t successes() const;

  /// Throws Error(io) if a file cannot be written to the scratch folder, or space or descriptors are scarce.
  void check_machine() const;

 private:
  using Time = std::chrono::steady_clock::time_point;
  void check_room() const;
  /// Requires mutex_.
  void start_pause(Time now);

  HealthOptions options_;
  std::filesystem::path scratch_;
  std::function<void()> check_servers_;
  mutable std::mutex mutex_;
  // Guarded by mutex_:
  std::string problem_;
  bool needs_check_ = false;  ///< something failed since the last successful check
  int failures_ = 0;          ///< consecutive machine failures
  int pauses_ = 0;            ///< in a row
  Time until_{};              ///< end of the pause
  Time checked_{};            ///< time of the last check
  std::int64_t successes_ = 0;
};

}  // namespace tessera
