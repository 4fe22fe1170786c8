-- A part of a channel's log.
--
-- KEYS  1 partition  2 forget  of the partition
--       3 head of a channel with entries, or plain of a plain one
--       4 log
-- ARGV  1 a word for a new epoch
--       2 now, ms
--       3 the channel  4 'entries' or 'plain'
--       5 epoch, '' for any, and 6 offset behind which to begin, '' for the end of the log
--       7 how many at most, negative for all  8 'reverse' for the newest first
-- Reply {epoch, offset, {row, ...}}, or {epoch, offset} if the epoch asked for is another

local at, offset, _, more
if ARGV[4] == 'plain' then
  at, offset, _, more = plain(KEYS[1], KEYS[3], KEYS[4], KEYS[2], ARGV[3], tonumber(ARGV[2]), epoch(KEYS[1], ARGV[1]))
else
  at = epoch(KEYS[1], ARGV[1], ARGV[3])
  offset = standing(KEYS[3])
end
if ARGV[5] ~= '' and ARGV[5] ~= at then
  return {at, offset}
end
local limit = tonumber(ARGV[7])
if limit == 0 then
  return {at, offset, {}}
end
if limit < 0 then
  limit = 1000000000
end
need('XLEN', KEYS[4])
if ARGV[4] == 'plain' and (more.mixed or tonumber(more.first or '0') <= tonumber(ARGV[2])) then
  sift(more.mixed, KEYS[4], tonumber(ARGV[2]))
end
local from = ARGV[6] ~= '' and '(' .. ARGV[6] .. '-0' or nil
if ARGV[8] ~= 'reverse' then
  return {at, offset, redis.call('XRANGE', KEYS[4], from or '-', '+', 'COUNT', limit)}
end
if ARGV[6] == '0' then
  return {at, offset, {}}
end
return {at, offset, redis.call('XREVRANGE', KEYS[4], from or '+', '-', 'COUNT', limit)}
