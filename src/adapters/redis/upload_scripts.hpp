// Uploads that no job uses yet, each change in one step on the server. Inside of the adapter only.
//
// tessera:upload:OBJECT is what is known of a place; tessera:uploads:use:OWNER adds up what an owner has;
// tessera:uploads:expiry and tessera:uploads:unmeasured order the places by time.
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

/// ARGV: time now, object, owner, end of the link, end of the place, most places, most bytes. Returns '1' if
/// it is entered, and places and bytes of before. Done twice, it is entered once.
inline constexpr std::string_view enter_upload_script = R"(
local now, object, owner, link, expires, most_places, most_bytes =
  ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7])
forget_expired(now)
local places, bytes = use_of(owner)
local name = 'tessera:upload:' .. object
if redis.call('EXISTS', name) == 1 then return {1, places - 1, bytes} end
if (most_places > 0 and places >= most_places) or (most_bytes > 0 and bytes >= most_bytes) then
  return {0, places, bytes}
end
redis.call('HSET', name, 'owner', owner, 'link', link, 'expires', expires, 'size', 0)
redis.call('ZADD', 'tessera:uploads:expiry', expires, object)
redis.call('ZADD', 'tessera:uploads:unmeasured', now, object)
redis.call('HINCRBY', 'tessera:uploads:use:' .. owner, 'places', 1)
return {1, places, bytes}
)";

/// ARGV: object, size in bytes, most bytes. Returns 0 if that would be too much, 2 if there is no such place.
inline constexpr std::string_view measure_upload_script = R"(
local object, size, most_bytes = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local name = 'tessera:upload:' .. object
local known = redis.call('HMGET', name, 'owner', 'size')
if not known[1] then return 2 end
local _, bytes = use_of(known[1])
local more = size - tonumber(known[2])
if most_bytes > 0 and bytes + more > most_bytes then return 0 end
redis.call('HSET', name, 'size', ARGV[2])
redis.call('HINCRBY', 'tessera:uploads:use:' .. known[1], 'bytes', string.format('%.0f', more))
redis.call('ZREM', 'tessera:uploads:unmeasured', object)
return 1
)";

/// ARGV: time now, time before which it was taken last, most places. Returns object, owner, end of the link
/// and end of the place of each.
inline constexpr std::string_view take_unmeasured_script = R"(
forget_expired(ARGV[1])
local taken = {}
for _, object in ipairs(redis.call('ZRANGEBYSCORE', 'tessera:uploads:unmeasured', '-inf', '(' .. ARGV[2],
                                   'LIMIT', 0, ARGV[3])) do
  redis.call('ZADD', 'tessera:uploads:unmeasured', ARGV[1], object)
  local known = redis.call('HMGET', 'tessera:upload:' .. object, 'owner', 'link', 'expires')
  table.insert(taken, {object, known[1], known[2], known[3]})
end
return taken
)";

/// ARGV: objects.
inline constexpr std::string_view release_uploads_script = R"(
for _, object in ipairs(ARGV) do forget(object) end
return 1
)";

/// ARGV: time now, owner. Returns places and bytes.
inline constexpr std::string_view upload_use_script = R"(
forget_expired(ARGV[1])
return {use_of(ARGV[2])}
)";

}  // namespace tessera::redis
