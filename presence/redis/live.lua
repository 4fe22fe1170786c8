-- Says that a node lives. Times are the server's own.
--
-- KEYS  1 nodes
-- ARGV  1 node  2 for how long, ms; 0 to end now
-- Reply {1 if the node was not alive, dead node, ...}

local now = redis.call('TIME')
now = now[1] * 1000 + math.floor(now[2] / 1000)
local known = redis.call('ZSCORE', KEYS[1], ARGV[1])
local reply = {0}
if ARGV[2] == '0' then
  redis.call('ZADD', KEYS[1], 0, ARGV[1])
elseif known and tonumber(known) <= now then
  reply[1] = 1 -- dead is dead: it comes back under another name
else
  if not known then
    reply[1] = 1
  end
  redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[1])
end
for _, node in ipairs(redis.call('ZRANGE', KEYS[1], '-inf', now, 'BYSCORE')) do
  reply[#reply + 1] = node
end
return reply
