-- Forgets a timer if it still has a due time.
--
-- KEYS  1 timers  2 due
-- ARGV  1 member  2 due, ms

local timer = redis.call('HGET', KEYS[1], ARGV[1])
if timer and string.match(timer, '^%-?%d+') == ARGV[2] then
  redis.call('HDEL', KEYS[1], ARGV[1])
  redis.call('ZREM', KEYS[2], ARGV[1])
end
return 0
