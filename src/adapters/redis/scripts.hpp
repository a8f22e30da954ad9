// SPDX-License-Identifier: Apache-2.0
// Lua scripts, each of which runs atomically on the server. Private to the adapter.
#pragma once

#include <string>
#include <string_view>

namespace tessera::redis {

/// Appends an event and announces it.
inline constexpr std::string_view event_function = R"(
local function append_event(kind, id, batch, owner, time, record, max_events)
  local event = redis.call('XADD', 'tessera:events', 'MAXLEN', '~', max_events, '*', 'type', kind, 'job', id,
                           'batch', batch, 'owner', owner, 'time', time, 'data', record)
  redis.call('PUBLISH', 'tessera:events', event)
end
)";

/// ARGV: maximum number of events, idempotency key (or ''), fingerprint, lifetime in seconds, batch id, batch
/// JSON, owner, '1' if the batch has a webhook, maximum number of queued jobs of the owner (0: unlimited),
/// then for each job: id, state, time of change, generation, record. Returns the stored value of the key if
/// it is known; a list with the owner's number of queued jobs if there would be too many; else 1. Idempotent.
inline constexpr std::string_view create_script = R"(
local max_events, key, print, lifetime, batch, batch_json, owner, webhook, max_waiting =
  ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8], tonumber(ARGV[9])
if redis.call('EXISTS', 'tessera:batch:' .. batch) == 1 then return 1 end
if key ~= '' then
  local name = 'tessera:key:' .. owner .. ':' .. key
  local known = redis.call('GET', name)
  if known then return known end
end
local waiting = redis.call('SCARD', 'tessera:jobs:waiting:' .. owner)
if max_waiting > 0 and waiting + (#ARGV - 9) / 5 > max_waiting then return {waiting} end
if key ~= '' then
  redis.call('SET', 'tessera:key:' .. owner .. ':' .. key, cjson.encode({fingerprint = print, batch = batch}), 'EX',
             lifetime)
end
redis.call('SET', 'tessera:batch:' .. batch, batch_json)
for i = 10, #ARGV, 5 do
  local id, state, time, generation, record = ARGV[i], ARGV[i+1], ARGV[i+2], ARGV[i+3], ARGV[i+4]
  redis.call('HSET', 'tessera:job:' .. id, 'record', record, 'version', 1, 'change', '', 'generation', generation,
             'state', state, 'owner', owner, 'batch', batch, 'webhook', webhook)
  if webhook == '1' then redis.call('SADD', 'tessera:jobs:open:' .. batch, id) end
  redis.call('ZADD', 'tessera:jobs', 0, id)
  redis.call('ZADD', 'tessera:jobs:owner:' .. owner, 0, id)
  redis.call('ZADD', 'tessera:jobs:batch:' .. batch, 0, id)
  redis.call('ZADD', 'tessera:jobs:state:' .. state, time, id)
  redis.call('ZADD', 'tessera:jobs:unpublished', time, id)
  redis.call('SADD', 'tessera:jobs:waiting:' .. owner, id)
  append_event('queued', id, batch, owner, time, record, max_events)
end
return 1
)";

/// ARGV: maximum number of events, id, version that the change is based on, name of the change, state,
/// generation, time, record, type of the event, id of the webhook call that becomes due if the batch has a
/// webhook (or ''), maximum number of queued jobs of the owner if the job is to be published again (0:
/// unlimited, or ''). Returns 0 if the version differs, and a list with the owner's number of queued jobs if
/// one more is too many.
inline constexpr std::string_view change_script = R"(
local max_events, id, version, change, state, generation, time, record, kind, call, max_waiting =
  ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10], ARGV[11]
local name = 'tessera:job:' .. id
local now = redis.call('HMGET', name, 'version', 'state', 'owner', 'batch', 'webhook')
if now[1] ~= version then return 0 end
if max_waiting ~= '' and max_waiting ~= '0' then
  local waiting = redis.call('SCARD', 'tessera:jobs:waiting:' .. now[3])
  if waiting + 1 > tonumber(max_waiting) then return {waiting} end
end
redis.call('HSET', name, 'record', record, 'version', tonumber(version) + 1, 'change', change, 'state', state,
           'generation', generation)
if now[2] ~= state then redis.call('ZREM', 'tessera:jobs:state:' .. now[2], id) end
redis.call('ZADD', 'tessera:jobs:state:' .. state, time, id)
redis.call(state == '0' and 'SADD' or 'SREM', 'tessera:jobs:waiting:' .. now[3], id)
if max_waiting ~= '' then
  redis.call('ZADD', 'tessera:jobs:unpublished', time, id)
else
  redis.call('ZADD', 'tessera:jobs:unpublished', 'XX', time, id)
end
if call == '' and now[5] == '1' then
  redis.call('SADD', 'tessera:jobs:open:' .. now[4], id)
elseif now[5] == '1' then
  redis.call('SREM', 'tessera:jobs:open:' .. now[4], id)
  redis.call('HSET', 'tessera:webhook:' .. call, 'job', id, 'generation', generation,
             'last', redis.call('EXISTS', 'tessera:jobs:open:' .. now[4]) == 0 and '1' or '')
  redis.call('ZADD', 'tessera:webhooks', time, call)
end
append_event(kind, id, now[4], now[3], time, record, max_events)
return 1
)";

/// ARGV: current time, end of the lease, maximum number of calls, time after which no call can be due (see
/// farthest_webhook_call), then owners whose calls are skipped. Returns id, job, generation, '1' if it was
/// the last, and attempt of each.
inline constexpr std::string_view claim_webhooks_script = R"(
local claimed = {}
local limit = tonumber(ARGV[3])
local passed_over = {}
for i = 5, #ARGV do passed_over[ARGV[i]] = true end
for _, call in ipairs(redis.call('ZRANGEBYSCORE', 'tessera:webhooks', '(' .. ARGV[4], '+inf', 'LIMIT', 0, 100)) do
  redis.call('ZADD', 'tessera:webhooks', ARGV[1], call)
end
local page, from = #ARGV > 4 and 100 or limit, 0
while #claimed < limit do
  local calls = redis.call('ZRANGEBYSCORE', 'tessera:webhooks', '-inf', ARGV[1], 'LIMIT', from, page)
  if #calls == 0 then break end
  for _, call in ipairs(calls) do
    local known = redis.call('HMGET', 'tessera:webhook:' .. call, 'job', 'generation', 'last')
    local owner = #ARGV > 4 and redis.call('HGET', 'tessera:job:' .. known[1], 'owner') or ''
    if #claimed >= limit or passed_over[owner or ''] then
      from = from + 1
    else
      redis.call('ZADD', 'tessera:webhooks', ARGV[2], call)
      local attempt = redis.call('HINCRBY', 'tessera:webhook:' .. call, 'attempts', 1)
      table.insert(claimed, {call, known[1], known[2], known[3], tostring(attempt)})
    end
  end
  if #calls < page then break end
end
return claimed
)";

/// ARGV: id of the call, time when it is due again; the attempt is not counted.
inline constexpr std::string_view postpone_webhook_script = R"(
if redis.call('ZADD', 'tessera:webhooks', 'XX', 'CH', ARGV[2], ARGV[1]) == 1 then
  redis.call('HINCRBY', 'tessera:webhook:' .. ARGV[1], 'attempts', -1)
end
return 1
)";

/// ARGV: id of the call, time when it is due again (or '').
inline constexpr std::string_view settle_webhook_script = R"(
if ARGV[2] ~= '' then
  redis.call('ZADD', 'tessera:webhooks', 'XX', ARGV[2], ARGV[1])
else
  redis.call('ZREM', 'tessera:webhooks', ARGV[1])
  redis.call('DEL', 'tessera:webhook:' .. ARGV[1])
end
return 1
)";

/// ARGV: id, generation.
inline constexpr std::string_view published_script = R"(
if redis.call('HGET', 'tessera:job:' .. ARGV[1], 'generation') == ARGV[2] then
  redis.call('ZREM', 'tessera:jobs:unpublished', ARGV[1])
end
return 1
)";

/// ARGV: id, time before which it must have ended (or '': unconditionally). Returns 1 if it was removed.
inline constexpr std::string_view remove_script = R"(
local id = ARGV[1]
local name = 'tessera:job:' .. id
local now = redis.call('HMGET', name, 'state', 'owner', 'batch', 'generation')
if ARGV[2] ~= '' then
  if not now[1] or tonumber(now[1]) < 3 then return 0 end
  local changed = redis.call('ZSCORE', 'tessera:jobs:state:' .. now[1], id)
  if not changed or tonumber(changed) >= tonumber(ARGV[2]) then return 0 end
end
for i = 1, 4 do now[i] = now[i] or '' end
local call = id .. '.' .. now[4]
redis.call('ZREM', 'tessera:webhooks', call)
redis.call('DEL', 'tessera:webhook:' .. call)
redis.call('SREM', 'tessera:jobs:open:' .. now[3], id)
redis.call('DEL', name)
redis.call('ZREM', 'tessera:jobs', id)
redis.call('ZREM', 'tessera:jobs:owner:' .. now[2], id)
redis.call('SREM', 'tessera:jobs:waiting:' .. now[2], id)
redis.call('ZREM', 'tessera:jobs:batch:' .. now[3], id)
redis.call('ZREM', 'tessera:jobs:state:' .. now[1], id)
redis.call('ZREM', 'tessera:jobs:unpublished', id)
if redis.call('EXISTS', 'tessera:jobs:batch:' .. now[3]) == 0 then
  redis.call('DEL', 'tessera:batch:' .. now[3])
end
return 1
)";

}  // namespace tessera::redis
