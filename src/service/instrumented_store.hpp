// SPDX-License-Identifier: Apache-2.0
// An object store whose operations are counted and timed; rejected credentials of the service are reported as
// unavailability.
#pragma once

#include <memory>

#include "ports/object_store.hpp"
#include "service/metrics.hpp"

namespace tessera::service {

/// Throws Error(unavailable) where `store` throws Error(forbidden): if the service's credentials have expired
/// or were revoked, no request or job is at fault, and jobs must survive it. `metrics` must outlive it.
[[nodiscard]] std::unique_ptr<ObjectStore> with_metrics(std::unique_ptr<ObjectStore> store, Metrics& metrics);

}  // namespace tessera::service
