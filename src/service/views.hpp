// SPDX-License-Identifier: Apache-2.0
// The JSON that clients see: with links, without object names.
#pragma once

#include "ports/job_store.hpp"

namespace tessera::service {

/// The audience. Hosts, addresses and paths of the service's machines are shown to administrators only.
enum class Viewer : std::uint8_t { client, administrator };

/// `job` as to_json(Job) gives it.
[[nodiscard]] Json job_view(Json job, Viewer viewer = Viewer::client);
[[nodiscard]] inline Json job_view(const Job& job, Viewer viewer = Viewer::client) {
  return job_view(to_json(job), viewer);
}
/// An internal error message, with URLs, addresses and paths replaced by "(hidden)".
[[nodiscard]] std::string without_internals(const std::string& sentence);
/// The combined progress: counts by state, the mean of the fractions, and a state: "queued", "running",
/// "done", "failed" (some jobs failed) or "cancelled".
[[nodiscard]] Json batch_view(const Batch& batch, const std::vector<Job>& jobs,
                              Viewer viewer = Viewer::client);
[[nodiscard]] Json node_view(const NodeInfo& node, Viewer viewer);

}  // namespace tessera::service
