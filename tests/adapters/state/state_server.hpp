// SPDX-License-Identifier: Apache-2.0
// What the contract suite runs against: one state store, empty at first, that several users can open.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "ports/job_store.hpp"

namespace tessera::testing {

class StateServer {
 public:
  virtual ~StateServer() = default;
  [[nodiscard]] virtual std::string url() const = 0;
  [[nodiscard]] StateStore open(const StateOptions& options = {}) const;
  /// Puts any text in place of the record of a job, as another version might.
  virtual void overwrite_record(const std::string& job_id, const std::string& text) = 0;
  /// Appends an event with any text as its content.
  virtual void append_event(const std::string& text) = 0;
};

struct StateKind {
  std::string name;
  std::function<std::unique_ptr<StateServer>()> make;  ///< an empty store of its own
};

[[nodiscard]] StateKind sqlite_state_kind();
[[nodiscard]] StateKind redis_state_kind();

/// A queued job of that owner, in a batch of its own unless one is named.
[[nodiscard]] Job new_job(const std::string& owner, const std::string& batch_id = {});
[[nodiscard]] NewJobs one_job(const std::string& owner);

}  // namespace tessera::testing
