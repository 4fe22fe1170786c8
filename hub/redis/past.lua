-- What there is to forget of a channel's past.
--
-- KEYS  1 partition  2 records  of the partition
--       3 head  4 refused  of the channel
-- ARGV  1 a word for a new epoch
--       2 the channel  3 offset of the first event that is not meant
-- Reply {the partition's epoch, offset before which all is meant, {seq, message, ...}, {key of a refused command, ...}}

local epoch = epoch(KEYS[1], ARGV[1])
local offset = tonumber(standing(KEYS[3]))
if not offset then
  error({err = 'CORRUPT ' .. KEYS[3] .. ': no position'})
end
local before = math.min(tonumber(ARGV[3]), offset + 1) -- what comes meanwhile is not meant
local found, from = {}, '-'
while from do
  local rows = need('XRANGE', KEYS[2], from, '+', 'COUNT', 256)
  for _, row in ipairs(rows) do
    if row[2][6] == ARGV[2] and (tonumber(row[2][8]) or 0) < before then
      found[#found + 1], found[#found + 2] = string.match(row[1], '^%d+'), row[2][4]
    end
  end
  from = #rows == 256 and '(' .. rows[256][1]
end
return {epoch, string.format('%d', before), found, need('ZRANGE', KEYS[4], 0, -1)}
