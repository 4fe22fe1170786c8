-- Claims the timers of a partition that are due.
--
-- KEYS  1 timers  2 due
-- ARGV  1 now and 2 the claims' end, ms  3 how many at most
-- Reply {member, timer, ...}

local claimed = {}
for _, member in ipairs(redis.call('ZRANGE', KEYS[2], '-inf', ARGV[1], 'BYSCORE', 'LIMIT', 0, ARGV[3])) do
  local timer = redis.call('HGET', KEYS[1], member)
  if timer then
    redis.call('ZADD', KEYS[2], ARGV[2], member)
    claimed[#claimed + 1], claimed[#claimed + 2] = member, timer
  else
    redis.call('ZREM', KEYS[2], member)
  end
end
return claimed
