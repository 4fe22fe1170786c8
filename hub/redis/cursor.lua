-- Moves a consumer's cursor, never back.
--
-- KEYS  1 cursors  2 leases
-- ARGV  1 consumer  2 seq  3 role, '' for none  4 fence: the lease must still be of this one
-- Reply 1, or 0 if the lease is another's

if ARGV[3] ~= '' then
  local lease = redis.call('HGET', KEYS[2], ARGV[3])
  if not lease or string.match(lease, '^%d+') ~= ARGV[4] then
    return 0
  end
end
local known = redis.call('HGET', KEYS[1], ARGV[1])
if not known or tonumber(known) < tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
end
return 1
