// An object store as the service uses it: its operations are counted and timed, and if it refuses the
// service's own credentials, that counts as being away.
#pragma once

#include <memory>

#include "ports/object_store.hpp"
#include "service/metrics.hpp"

namespace tessera::service {

/// Throws Error(unavailable) where `store` throws Error(forbidden): no request and no job is at fault when
/// the service's credentials have expired or were withdrawn, and jobs outlast it. `metrics` must outlive it.
[[nodiscard]] std::unique_ptr<ObjectStore> metered(std::unique_ptr<ObjectStore> store, Metrics& metrics);

}  // namespace tessera::service
