-- Lets go of plain channels whose positions may have expired.
--
-- KEYS  1 partition  2 forget  of the partition
--       3 and on, for each channel: plain, log
-- ARGV  1 a word for a new epoch
--       2 now, ms
--       3 and on, for each channel: its name
-- Reply how many are still known, and are to be looked at again when they expire

local epoch, known = epoch(KEYS[1], ARGV[1]), 0
for i = 3, #ARGV do
  local at = 2 * i - 3
  local _, _, _, more = plain(KEYS[1], KEYS[at], KEYS[at + 1], KEYS[2], ARGV[i], tonumber(ARGV[2]), epoch)
  if more.till then
    redis.call('ZADD', KEYS[2], more.till, ARGV[i])
    known = known + 1
  else
    redis.call('ZREM', KEYS[2], ARGV[i])
  end
end
return known
