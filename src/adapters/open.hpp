// SPDX-License-Identifier: Apache-2.0
// Opens stores, queues and state by URL. The only place that knows all adapters.
#pragma once

#include <memory>
#include <string>

#include "ports/job_queue.hpp"
#include "ports/job_store.hpp"
#include "ports/object_store.hpp"

namespace tessera {

struct ObjectStoreOptions {
  Clock now = system_now;
  /// Local folders: links are `public_url`/objects/NAME?..., signed with this secret and served by the
  /// gateway. Without a secret no links can be signed.
  std::string public_url;
  std::string link_secret;
};

/// - `file:///var/lib/tessera/objects`: a local folder
/// - `s3://bucket/prefix?endpoint=http://127.0.0.1:9000&region=eu-central-1&style=path|virtual`: S3 or a
///   compatible store; see parse_s3_url().
/// - `gs://bucket/prefix?credentials=FILE`: Google Cloud Storage; see parse_gcs_url().
///
/// Throws Error(usage) for anything else.
[[nodiscard]] std::unique_ptr<ObjectStore> open_object_store(const std::string& url,
                                                             const ObjectStoreOptions& options);

/// - `sqlite:///var/lib/tessera/queue.db`
/// - `amqp://user:password@host:5672,host:5672/vhost`, `amqps://...`; see parse_broker_urls()
[[nodiscard]] std::unique_ptr<JobQueue> open_job_queue(const std::string& url, const QueueOptions& options);

/// - `sqlite:///var/lib/tessera/state.db`
/// - `redis://user:password@host:6379/0`, `rediss://...?cacertfile=FILE`,
///   `redis+sentinel://user:password@host:26379,host:26379/NAME`; see redis::parse_address()
[[nodiscard]] StateStore open_state_store(const std::string& url, const StateOptions& options);

}  // namespace tessera
