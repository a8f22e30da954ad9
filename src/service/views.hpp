// Jobs as clients see them: with links, without the names of objects.
#pragma once

#include "ports/job_store.hpp"

namespace tessera::service {

/// Who looks. Hosts, addresses and paths of the service's own machines are for its administrators.
enum class Viewer : std::uint8_t { client, administrator };

/// `job` as to_json(Job) gives it.
[[nodiscard]] Json job_view(Json job, Viewer viewer = Viewer::client);
[[nodiscard]] inline Json job_view(const Job& job, Viewer viewer = Viewer::client) {
  return job_view(to_json(job), viewer);
}
/// A sentence about trouble inside of the service, with "(hidden)" for URLs, addresses and paths.
[[nodiscard]] std::string without_internals(const std::string& sentence);
/// One progress for all: counts by state, the mean of the fractions, and "queued", "running", "done",
/// "failed" (some are done, some are not and will not be) or "cancelled".
[[nodiscard]] Json batch_view(const Batch& batch, const std::vector<Job>& jobs,
                              Viewer viewer = Viewer::client);
[[nodiscard]] Json node_view(const NodeInfo& node, Viewer viewer);

}  // namespace tessera::service
