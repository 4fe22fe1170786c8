-- Hands a role's lease of a partition to a node, if it still is as it was read.
--
-- KEYS  1 leases
-- ARGV  1 role  2 the lease as it was read, '' if there was none
--       3 the node that holds it from now on, '' for nobody
-- Reply the new fence, 0 if the lease is another by now

local lease = redis.call('HGET', KEYS[1], ARGV[1]) or ''
if lease ~= ARGV[2] then
  return 0
end
local fence = tonumber(string.match(lease, '^%d+') or '0') + 1
redis.call('HSET', KEYS[1], ARGV[1], string.format('%d', fence) .. ' ' .. ARGV[3])
return fence
