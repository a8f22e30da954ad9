#include "adapters/open.hpp"

#include <fmt/format.h>

#include "adapters/rabbitmq/broker_address.hpp"
#include "adapters/rabbitmq/job_queue.hpp"
#include "adapters/sqlite/database.hpp"
#include "adapters/sqlite/job_queue.hpp"
#include "core/error.hpp"

namespace tessera {

std::unique_ptr<ObjectStore> open_object_store(const std::string& url, const ObjectStoreOptions& options) {
  static_cast<void>(options);
  throw Error(ErrorCode::usage,
              fmt::format("Object stores are not part of this version yet: '{}' cannot be opened.", url));
}

std::unique_ptr<JobQueue> open_job_queue(const std::string& url, const QueueOptions& options) {
  if (url.starts_with("sqlite:")) {
    return open_sqlite_job_queue(sqlite_path(url), options);
  }
  if (url.starts_with("amqp:") || url.starts_with("amqps:")) {
    return open_rabbitmq_job_queue(parse_broker_url(url), options);
  }
  throw Error(ErrorCode::usage,
              fmt::format("'{}' names no queue: write sqlite:///var/lib/tessera/queue.db or "
                          "amqp://user:password@host:5672/vhost.",
                          url));
}

StateStore open_state_store(const std::string& url, const StateOptions& options) {
  static_cast<void>(options);
  throw Error(ErrorCode::usage,
              fmt::format("State stores are not part of this version yet: '{}' cannot be opened.", url));
}

}  // namespace tessera
