// SPDX-License-Identifier: Apache-2.0
// Reservations for uploads; each change is atomic on the server. Private to the adapter.
//
// tessera:upload:OBJECT is a reservation; tessera:uploads:use:OWNER holds the usage of an owner;
// tessera:uploads:expiry and tessera:uploads:unmeasured order the reservations by time.
#pragma once

#include <string_view>

namespace tessera::redis {

inline constexpr std::string_view upload_functions = R"(
local function forget(object)
  local name = 'tessera:upload:' .. object
  local known = redis.call('HMGET', name, 'owner', 'size')
  redis.call('ZREM', 'tessera:uploads:expiry', object)
  redis.call('ZREM', 'tessera:uploads:unmeasured', object)
  if not known[1] then return end
  redis.call('DEL', name)
  local use = 'tessera:uploads:use:' .. known[1]
  redis.call('HINCRBY', use, 'bytes', string.format('%.0f', 0 - tonumber(known[2])))
  if redis.call('HINCRBY', use, 'places', -1) <= 0 then redis.call('DEL', use) end
end
local function forget_expired(now)
  for _, object in ipairs(redis.call('ZRANGEBYSCORE', 'tessera:uploads:expiry', '-inf', '(' .. now)) do
    forget(object)
  end
end
local function use_of(owner)
  local use = redis.call('HMGET', 'tessera:uploads:use:' .. owner, 'places', 'bytes')
  return tonumber(use[1] or '0'), tonumber(use[2] or '0')
end
)";

/// ARGV: current time, object, owner, expiry of the link, expiry of the reservation, maximum number of
/// reservations, maximum number of bytes. Returns '1' if it was added, and the owner's reservations and bytes
/// before. Idempotent.
inline constexpr std::string_view reserve_upload_script = R"(
local now, object, owner, link, expires, max_places, max_bytes =
  ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7])
forget_expired(now)
local places, bytes = use_of(owner)
local name = 'tessera:upload:' .. object
if redis.call('EXISTS', name) == 1 then return {1, places - 1, bytes} end
if (max_places > 0 and places >= max_places) or (max_bytes > 0 and bytes >= max_bytes) then
  return {0, places, bytes}
end
redis.call('HSET', name, 'owner', owner, 'link', link, 'expires', expires, 'size', 0)
redis.call('ZADD', 'tessera:uploads:expiry', expires, object)
redis.call('ZADD', 'tessera:uploads:unmeasured', now, object)
redis.call('HINCRBY', 'tessera:uploads:use:' .. owner, 'places', 1)
return {1, places, bytes}
)";

/// ARGV: object, size in bytes, maximum number of bytes. Returns 0 if that would be exceeded, 2 if there is
/// no such reservation.
inline constexpr std::string_view record_upload_size_script = R"(
local object, size, max_bytes = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local name = 'tessera:upload:' .. object
local known = redis.call('HMGET', name, 'owner', 'size')
if not known[1] then return 2 end
local _, bytes = use_of(known[1])
local more = size - tonumber(known[2])
if max_bytes > 0 and bytes + more > max_bytes then return 0 end
redis.call('HSET', name, 'size', ARGV[2])
redis.call('HINCRBY', 'tessera:uploads:use:' .. known[1], 'bytes', string.format('%.0f', more))
redis.call('ZREM', 'tessera:uploads:unmeasured', object)
return 1
)";

/// ARGV: current time, time before which it was claimed last, maximum number of reservations. Returns object,
/// owner, expiry of the link and of the reservation of each.
inline constexpr std::string_view claim_unmeasured_script = R"(
forget_expired(ARGV[1])
local claimed = {}
for _, object in ipairs(redis.call('ZRANGEBYSCORE', 'tessera:uploads:unmeasured', '-inf', '(' .. ARGV[2],
                                   'LIMIT', 0, ARGV[3])) do
  redis.call('ZADD', 'tessera:uploads:unmeasured', ARGV[1], object)
  local known = redis.call('HMGET', 'tessera:upload:' .. object, 'owner', 'link', 'expires')
  table.insert(claimed, {object, known[1], known[2], known[3]})
end
return claimed
)";

/// ARGV: objects.
inline constexpr std::string_view release_uploads_script = R"(
for _, object in ipairs(ARGV) do forget(object) end
return 1
)";

/// ARGV: current time, owner. Returns reservations and bytes.
inline constexpr std::string_view upload_usage_script = R"(
forget_expired(ARGV[1])
return {use_of(ARGV[2])}
)";

}  // namespace tessera::redis
