-- Adds a member, or replaces the one of the same client.
--
-- KEYS  1 members  2 users  of the channel
--       3 channels  of the partition
--       4 the node's own members in the partition
-- ARGV  1 channel  2 client  3 node  4 user  5 the member
--       6 what the key of a node begins with
-- Reply 1 if the client was not there, else 0

-- A member is kept as "NODE LENGTH-OF-USER USER" and the member.
local function holder(kept)
  local node, length, at = string.match(kept, '^(%S+) (%d+) ()')
  return node, string.sub(kept, at, at + tonumber(length) - 1)
end

local before = redis.call('HGET', KEYS[1], ARGV[2])
if before then
  local node, user = holder(before)
  if node ~= ARGV[3] then
    redis.call('HDEL', ARGV[6] .. node, ARGV[2] .. ' ' .. ARGV[1])
  end
  if redis.call('HINCRBY', KEYS[2], user, -1) <= 0 then
    redis.call('HDEL', KEYS[2], user)
  end
else
  redis.call('HINCRBY', KEYS[3], ARGV[1], 1)
end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3] .. ' ' .. #ARGV[4] .. ' ' .. ARGV[4] .. ARGV[5])
redis.call('HINCRBY', KEYS[2], ARGV[4], 1)
redis.call('HSET', KEYS[4], ARGV[2] .. ' ' .. ARGV[1], '')
return before and 0 or 1
