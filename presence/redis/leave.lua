-- Removes a client from a channel.
--
-- KEYS  1 members  2 users  of the channel
--       3 channels  of the partition
-- ARGV  1 channel  2 client  3 the node that must hold it, '' for any
--       4 what the key of a node begins with
-- Reply the member, or nothing if it was not there

local kept = redis.call('HGET', KEYS[1], ARGV[2])
if not kept then
  return false
end
local node, length, at = string.match(kept, '^(%S+) (%d+) ()')
if ARGV[3] ~= '' and node ~= ARGV[3] then
  return false
end
local user = string.sub(kept, at, at + tonumber(length) - 1)
redis.call('HDEL', KEYS[1], ARGV[2])
redis.call('HDEL', ARGV[4] .. node, ARGV[2] .. ' ' .. ARGV[1])
if redis.call('HINCRBY', KEYS[2], user, -1) <= 0 then
  redis.call('HDEL', KEYS[2], user)
end
if redis.call('HINCRBY', KEYS[3], ARGV[1], -1) <= 0 then
  redis.call('HDEL', KEYS[3], ARGV[1])
end
return string.sub(kept, at + tonumber(length))
