// What happens in one step on the server. Inside of the adapter only.
#pragma once

#include <string>
#include <string_view>

namespace tessera::redis {

/// Appends an event and announces it.
inline constexpr std::string_view event_function = R"(
local function tell(kind, id, batch, owner, time, record, most)
  local event = redis.call('XADD', 'tessera:events', 'MAXLEN', '~', most, '*', 'type', kind, 'job', id,
                           'batch', batch, 'owner', owner, 'time', time, 'data', record)
  redis.call('PUBLISH', 'tessera:events', event)
end
)";

/// ARGV: most events, idempotency key (or ''), fingerprint, lifetime in seconds, batch id, batch JSON, owner,
/// then for each job: id, state, time of change, generation, record. Returns what is known under the key, if
/// something is; else 1. Done twice, it does nothing the second time.
inline constexpr std::string_view create_script = R"(
local most, key, print, lifetime, batch, batch_json, owner =
  ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
if redis.call('EXISTS', 'tessera:batch:' .. batch) == 1 then return 1 end
if key ~= '' then
  local name = 'tessera:key:' .. owner .. ':' .. key
  local known = redis.call('GET', name)
  if known then return known end
  redis.call('SET', name, cjson.encode({fingerprint = print, batch = batch}), 'EX', lifetime)
end
redis.call('SET', 'tessera:batch:' .. batch, batch_json)
for i = 8, #ARGV, 5 do
  local id, state, time, generation, record = ARGV[i], ARGV[i+1], ARGV[i+2], ARGV[i+3], ARGV[i+4]
  redis.call('HSET', 'tessera:job:' .. id, 'record', record, 'version', 1, 'change', '', 'generation', generation,
             'state', state, 'owner', owner, 'batch', batch)
  redis.call('ZADD', 'tessera:jobs', 0, id)
  redis.call('ZADD', 'tessera:jobs:owner:' .. owner, 0, id)
  redis.call('ZADD', 'tessera:jobs:batch:' .. batch, 0, id)
  redis.call('ZADD', 'tessera:jobs:state:' .. state, time, id)
  redis.call('ZADD', 'tessera:jobs:unpublished', time, id)
  tell('queued', id, batch, owner, time, record, most)
end
return 1
)";

/// ARGV: most events, id, version that the change was made from, name of the change, state, generation, time,
/// record, type of the event, '1' if the job is to be published again. Returns 0 if the version is another.
inline constexpr std::string_view change_script = R"(
local most, id, version, change, state, generation, time, record, kind, publish =
  ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10]
local name = 'tessera:job:' .. id
local now = redis.call('HMGET', name, 'version', 'state', 'owner', 'batch')
if now[1] ~= version then return 0 end
redis.call('HSET', name, 'record', record, 'version', tonumber(version) + 1, 'change', change, 'state', state,
           'generation', generation)
if now[2] ~= state then redis.call('ZREM', 'tessera:jobs:state:' .. now[2], id) end
redis.call('ZADD', 'tessera:jobs:state:' .. state, time, id)
if publish == '1' then
  redis.call('ZADD', 'tessera:jobs:unpublished', time, id)
else
  redis.call('ZADD', 'tessera:jobs:unpublished', 'XX', time, id)
end
tell(kind, id, now[4], now[3], time, record, most)
return 1
)";

/// ARGV: id, generation.
inline constexpr std::string_view published_script = R"(
if redis.call('HGET', 'tessera:job:' .. ARGV[1], 'generation') == ARGV[2] then
  redis.call('ZREM', 'tessera:jobs:unpublished', ARGV[1])
end
return 1
)";

/// ARGV: id.
inline constexpr std::string_view remove_script = R"(
local id = ARGV[1]
local name = 'tessera:job:' .. id
local now = redis.call('HMGET', name, 'state', 'owner', 'batch')
if not now[1] then return 0 end
redis.call('DEL', name)
redis.call('ZREM', 'tessera:jobs', id)
redis.call('ZREM', 'tessera:jobs:owner:' .. now[2], id)
redis.call('ZREM', 'tessera:jobs:batch:' .. now[3], id)
redis.call('ZREM', 'tessera:jobs:state:' .. now[1], id)
redis.call('ZREM', 'tessera:jobs:unpublished', id)
if redis.call('EXISTS', 'tessera:jobs:batch:' .. now[3]) == 0 then
  redis.call('DEL', 'tessera:batch:' .. now[3])
end
return 1
)";

}  // namespace tessera::redis
