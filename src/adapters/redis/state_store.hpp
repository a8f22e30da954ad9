// SPDX-License-Identifier: Apache-2.0
// The state store in Redis, for any number of gateways, nodes and notifiers.
#pragma once

#include <string>

#include "ports/job_store.hpp"

namespace tessera {

/// Needs Redis 7. A node of a Redis Cluster is refused at the first use (Error(usage)): a change and its event
/// are one script over several keys, all of which begin with "tessera:". With Sentinel, see Connection.
///
///   tessera:job:ID         hash: record (JSON), version, change, generation, state, owner, batch
///   tessera:batch:ID       JSON
///   tessera:key:OWNER:KEY  idempotency key, expires: {"fingerprint", "batch"}
///   tessera:jobs, tessera:jobs:owner:OWNER, tessera:jobs:batch:ID   sorted sets of ids, by name
///   tessera:jobs:state:N, tessera:jobs:unpublished                  sorted sets of ids, by time of change
///   tessera:jobs:waiting:OWNER    set of ids of queued jobs
///   tessera:jobs:open:BATCH       set of ids that have not ended, if the batch has a webhook
///   tessera:webhooks              sorted set of calls, by due time; tessera:webhook:CALL: hash
///   tessera:upload:OBJECT, tessera:uploads:*      see upload_scripts.hpp
///   tessera:unreadable            hash of unreadable records: KIND:ID to {"reason", "found_ms"}
///   tessera:events         stream; each is announced on the channel of the same name, by its id
///   tessera:tokens         hash
///   tessera:node:ID        JSON, expires; tessera:nodes: set of ids
///
/// The durability of a completed change depends on the server: run it with appendonly yes and appendfsync
/// always (or everysec, and lose a second of changes at a power failure) and maxmemory-policy noeviction.
/// Other settings cause a warning at the first use. Throws Error(usage, forbidden). Each call waits up to 5 s
/// for an unavailable server, also while a failover is going on; after that failed once, calls fail without
/// waiting until the server is back.
[[nodiscard]] StateStore open_redis_state_store(const std::string& url, const StateOptions& options);

}  // namespace tessera
