// Jobs, events, tokens and nodes in Redis, for any number of gateways, nodes and notifiers.
#pragma once

#include <string>

#include "ports/job_store.hpp"

namespace tessera {

/// Needs Redis 7, not a cluster: a change and its event are one script over several keys, all of which begin
/// with "tessera:".
///
///   tessera:job:ID         hash: record (JSON), version, change, generation, state, owner, batch
///   tessera:batch:ID       JSON
///   tessera:key:OWNER:KEY  idempotency key, expires: {"fingerprint", "batch"}
///   tessera:jobs, tessera:jobs:owner:OWNER, tessera:jobs:batch:ID   sorted sets of ids, by name
///   tessera:jobs:state:N, tessera:jobs:unpublished                  sorted sets of ids, by time of change
///   tessera:jobs:waiting:OWNER    set of ids of queued jobs
///   tessera:jobs:open:BATCH       set of ids that have not ended, if the batch has a webhook
///   tessera:webhooks              sorted set of calls, by the time they are due; tessera:webhook:CALL: hash
///   tessera:upload:OBJECT, tessera:uploads:*      see upload_scripts.hpp
///   tessera:unreadable            hash of what could not be read: KIND:ID to {"reason", "found_ms"}
///   tessera:events         stream; each is announced on the channel of the same name, by its id
///   tessera:tokens         hash
///   tessera:node:ID        JSON, expires; tessera:nodes: set of ids
///
/// How durable a change is when it returns is the server's: run it with appendonly yes and appendfsync always
/// (or everysec, and lose a second at a power cut) and maxmemory-policy noeviction. Other settings are warned
/// of at the first use. Throws Error(usage, forbidden); a server that is away is waited for 5 s by each call,
/// and when that was in vain, calls fail without waiting until it is back.
[[nodiscard]] StateStore open_redis_state_store(const std::string& url, const StateOptions& options);

}  // namespace tessera
