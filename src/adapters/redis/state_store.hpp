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
///   tessera:events         stream; each is announced on the channel of the same name, by its id
///   tessera:tokens         hash
///   tessera:node:ID        JSON, expires; tessera:nodes: set of ids
///
/// How durable a change is when it returns is the server's: run it with appendonly yes and appendfsync always
/// (or everysec, and lose a second at a power cut). Throws Error(usage, forbidden); a server that is away is
/// waited for at each call, 5 s.
[[nodiscard]] StateStore open_redis_state_store(const std::string& url, const StateOptions& options);

}  // namespace tessera
