// An object store whose operations are counted and timed.
#pragma once

#include <memory>

#include "ports/object_store.hpp"
#include "service/metrics.hpp"

namespace tessera::service {

/// `metrics` must outlive it.
[[nodiscard]] std::unique_ptr<ObjectStore> metered(std::unique_ptr<ObjectStore> store, Metrics& metrics);

}  // namespace tessera::service
