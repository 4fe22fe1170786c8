-- Says that a node is alive in a role, and who else is. Times are the server's own.
--
-- KEYS  1 members
-- ARGV  1 node  2 for how long, ms; 0 to leave
-- Reply {node, ...}

local now = redis.call('TIME')
now = now[1] * 1000 + math.floor(now[2] / 1000)
if ARGV[2] == '0' then
  redis.call('ZREM', KEYS[1], ARGV[1])
else
  redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[1])
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
return redis.call('ZRANGE', KEYS[1], 0, -1)
