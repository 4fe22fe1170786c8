-- The records of a partition behind a cursor.
--
-- KEYS  1 partition  2 records
-- ARGV  1 a word for a new epoch
--       2 cursor  3 how many at most
-- Reply {epoch, the last record's seq, base, {row, ...}, {channel, epoch, ...}}, the last of those with one of their own

local epoch = epoch(KEYS[1], ARGV[1])
local known = redis.call('HMGET', KEYS[1], 'seq', 'base')
local rows = need('XRANGE', KEYS[2], '(' .. ARGV[2] .. '-0', '+', 'COUNT', ARGV[3])
local owners, seen = {}, {}
for _, row in ipairs(rows) do
  local channel = row[2][6]
  if channel and not seen[channel] then
    seen[channel] = true
    local own = redis.call('HGET', KEYS[1], 'epoch of ' .. channel)
    if own then
      owners[#owners + 1], owners[#owners + 2] = channel, epoch .. '-' .. own
    end
  end
end
return {epoch, known[1] or '0', known[2] or '0', rows, owners}
