// Whether a node may take jobs. What fails because of the machine or of a server says nothing of the job it
// hit, and would hit the next one too: the node then takes nothing for a while, looks whether it would go
// well now, and goes on by itself.
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
  /// Failures of the machine in a row from which on the node says that it is unhealthy. One alone only makes
  /// it look before it goes on.
  int failures_in_a_row = 3;
  std::chrono::milliseconds first_pause{500};  ///< after a failure; doubles up to max_pause
  std::chrono::milliseconds max_pause{60'000};
  std::int64_t min_free_bytes = std::int64_t{16} << 20;  ///< in the scratch folder, to take a job
  int min_free_descriptors = 64;                         ///< below the limit of open files, to take a job
};

/// Safe to use from many threads.
class NodeHealth {
 public:
  /// `check_servers` throws Error if the object store or the state store cannot be used; it may take long.
  NodeHealth(HealthOptions options, std::filesystem::path scratch, std::function<void()> check_servers);

  /// Something failed that was not the job's fault, for `reason`, a sentence.
  void failed(FailureOrigin origin, const std::string& reason);
  /// A job went all its way.
  void succeeded();

  /// Whether a job may be taken now. Looks at the machine; after a failure, once the pause is over, tries out
  /// the scratch folder and the servers too.
  [[nodiscard]] bool may_take();
  /// Why the node takes no jobs, in a sentence; empty when it is healthy.
  [[nodiscard]] std::string problem() const;
  /// Jobs that went all their way since the start.
  [[nodiscard]] std::int64_t successes() const;

  /// Throws Error(io) if a file cannot be written to the scratch folder, or space or descriptors are scarce.
  void try_machine() const;

 private:
  using Time = std::chrono::steady_clock::time_point;
  void check_room() const;
  /// Under mutex_.
  void take_a_pause(Time now);

  HealthOptions options_;
  std::filesystem::path scratch_;
  std::function<void()> check_servers_;
  mutable std::mutex mutex_;
  // Guarded by mutex_:
  std::string problem_;
  bool must_try_ = false;  ///< something failed since it was last seen to go well
  int failures_ = 0;       ///< of the machine, in a row
  int pauses_ = 0;         ///< in a row
  Time until_{};           ///< nothing is taken or tried before
  Time checked_{};         ///< when there was room last
  std::int64_t successes_ = 0;
};

}  // namespace tessera
