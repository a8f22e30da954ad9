// SPDX-License-Identifier: Apache-2.0
#include "adapters/open.hpp"

#include <fmt/format.h>

#include "adapters/disk/object_store.hpp"
#include "adapters/gcs/object_store.hpp"
#include "adapters/rabbitmq/broker_address.hpp"
#include "adapters/rabbitmq/job_queue.hpp"
#include "adapters/redis/state_store.hpp"
#include "adapters/s3/object_store.hpp"
#include "adapters/sqlite/database.hpp"
#include "adapters/sqlite/job_queue.hpp"
#include "adapters/sqlite/state_store.hpp"
#include "base/error.hpp"
#include "net/redact.hpp"

namespace tessera {

std::unique_ptr<ObjectStore> open_object_store(const std::string& url, const ObjectStoreOptions& options) {
  if (url.starts_with("file:")) {
    std::optional<LinkSigner> signer;
    if (!options.link_secret.empty()) {
      signer.emplace(options.public_url, options.link_secret);
    }
    return open_disk_object_store(folder_of_url(url), std::move(signer), options.now);
  }
  if (url.starts_with("s3:")) {
    return open_s3_object_store(parse_s3_url(url, options.now));
  }
  if (url.starts_with("gs:")) {
    return open_gcs_object_store(parse_gcs_url(url, options.now));
  }
  throw Error(ErrorCode::usage,
              fmt::format("'{}' is not the URL of an object store: write file:///var/lib/tessera/objects, "
                          "s3://bucket?endpoint=URL or gs://bucket.",
                          redact_url(url)));
}

std::unique_ptr<JobQueue> open_job_queue(const std::string& url, const QueueOptions& options) {
  if (url.starts_with("sqlite:")) {
    return open_sqlite_job_queue(sqlite_path(url), options);
  }
  if (url.starts_with("amqp:") || url.starts_with("amqps:")) {
    return open_rabbitmq_job_queue(parse_broker_urls(url), options);
  }
  throw Error(ErrorCode::usage,
              fmt::format("'{}' is not the URL of a queue: write sqlite:///var/lib/tessera/queue.db or "
                          "amqp://user:password@host:5672/vhost.",
                          redact_url(url)));
}

StateStore open_state_store(const std::string& url, const StateOptions& options) {
  if (url.starts_with("sqlite:")) {
    return open_sqlite_state_store(sqlite_path(url), options);
  }
  if (url.starts_with("redis:") || url.starts_with("rediss:") || url.starts_with("redis+sentinel:") ||
      url.starts_with("rediss+sentinel:")) {
    return open_redis_state_store(url, options);
  }
  throw Error(ErrorCode::usage,
              fmt::format("'{}' is not the URL of a state store: write sqlite:///var/lib/tessera/state.db "
                          "or redis://user:password@host:6379/0.",
                          redact_url(url)));
}

}  // namespace tessera
