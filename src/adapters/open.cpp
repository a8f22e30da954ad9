#include "adapters/open.hpp"

#include <fmt/format.h>

#include "core/error.hpp"

namespace tessera {

std::unique_ptr<ObjectStore> open_object_store(const std::string& url, const ObjectStoreOptions& options) {
  static_cast<void>(options);
  throw Error(ErrorCode::usage, fmt::format("'{}' is no object store.", url));
}

std::unique_ptr<JobQueue> open_job_queue(const std::string& url, const QueueOptions& options) {
  static_cast<void>(options);
  throw Error(ErrorCode::usage, fmt::format("'{}' is no queue.", url));
}

StateStore open_state_store(const std::string& url, const StateOptions& options) {
  static_cast<void>(options);
  throw Error(ErrorCode::usage, fmt::format("'{}' is no state store.", url));
}

}  // namespace tessera
