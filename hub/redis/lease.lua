-- Takes, keeps or gives up the lease of a role in a partition. Times are the
-- server's own.
--
-- KEYS  1 leases
-- ARGV  1 role  2 node  3 for how long, ms; 0 to give it up
-- Reply the fence if the lease is the node's now, 0 if it is not

local now = redis.call('TIME')
now = now[1] * 1000 + math.floor(now[2] / 1000)
local fence, node, ends = string.match(redis.call('HGET', KEYS[1], ARGV[1]) or '', '^(%d+) (%S+) (%d+)$')
local mine, free = node == ARGV[2], not fence or tonumber(ends) <= now
if ARGV[3] == '0' then
  if mine then
    redis.call('HSET', KEYS[1], ARGV[1], fence .. ' ' .. node .. ' 0')
  end
  return 0
end
if not mine and not free then
  return 0
end
if not mine or free then
  fence = string.format('%.0f', tonumber(fence or '0') + 1) -- it may have been another's meanwhile
end
redis.call('HSET', KEYS[1], ARGV[1], fence .. ' ' .. ARGV[2] .. ' ' .. string.format('%.0f', now + tonumber(ARGV[3])))
return tonumber(fence)
