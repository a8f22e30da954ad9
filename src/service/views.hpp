// Jobs as clients see them: with links, without the names of objects.
#pragma once

#include "ports/job_store.hpp"

namespace tessera::service {

/// `job` as to_json(Job) gives it.
[[nodiscard]] Json job_view(Json job);
[[nodiscard]] inline Json job_view(const Job& job) { return job_view(to_json(job)); }
/// One progress for all: counts by state, the mean of the fractions, and "queued", "running", "done",
/// "failed" (some are done, some are not and will not be) or "cancelled".
[[nodiscard]] Json batch_view(const Batch& batch, const std::vector<Job>& jobs);
[[nodiscard]] Json node_view(const NodeInfo& node);

}  // namespace tessera::service
