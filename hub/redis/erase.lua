-- Ends the past of a channel, as past.lua found it.
--
-- KEYS  1 partition  2 records  3 rewrite  of the partition
--       4 head  5 log  6 refused  of the channel
--       7 and on: refused commands
-- ARGV  1 a word for a new epoch of the partition  2 one for the channel
--       3 the partition's epoch that must still stand
--       4 the channel  5 offset before which all is forgotten
--       6 what refusals say from now on
--       7 and on, for each record that tells: seq, message that it is to have
-- Reply {'ok', epoch, offset} of the channel
--       {'again'} if this is not the past in which it was looked for

local partition, records, fresh, head, log, refused = unpack(KEYS, 1, 6)
if epoch(partition, ARGV[1]) ~= ARGV[3] then
  return {'again'}
end
local before = tonumber(ARGV[5])

-- 1. Look. What could fail for a key of another type is asked before the first write.
need('XLEN', records)
need('ZCARD', refused)
local oldest = need('XRANGE', log, '-', '+', 'COUNT', 1)[1]
local offset = standing(head)
local logged = oldest and tonumber(string.match(oldest[1], '^%d+')) < before
local answers = {}
for i = 7, #KEYS do
  local known = need('GET', KEYS[i])
  local _, at, stood = string.find(known or '', '^%d+ (%d+) [01] ')
  if at and tonumber(stood) < before and #known > at + 40 then
    answers[KEYS[i]] = string.sub(known, 1, at + 40) .. ARGV[6]
  end
end
local husks, told = {}, false
for i = 7, #ARGV, 2 do
  husks[ARGV[i] .. '-0'] = ARGV[i + 1]
  local row = redis.call('XRANGE', records, ARGV[i], ARGV[i])[1]
  told = told or (row and row[2][4] ~= ARGV[i + 1])
end

-- rewrite makes a stream anew from a row on, its messages replaced where there is
-- another: what XDEL and XTRIM leave out stays in memory beside what is left.
local function rewrite(stream, from)
  redis.call('DEL', fresh)
  while from do
    local rows = redis.call('XRANGE', stream, from, '+', 'COUNT', 256)
    for _, row in ipairs(rows) do
      local fields = row[2]
      fields[4] = husks[row[1]] or fields[4]
      redis.call('XADD', fresh, row[1], unpack(fields))
    end
    from = #rows == 256 and '(' .. rows[256][1]
  end
  if redis.call('EXISTS', fresh) == 1 then
    redis.call('RENAME', fresh, stream)
  else
    redis.call('DEL', stream)
  end
end

-- 2. Forget.
for key, answer in pairs(answers) do
  redis.call('SET', key, answer, 'KEEPTTL')
end
if told then
  rewrite(records, '-')
end
if logged then
  husks = {}
  rewrite(log, ARGV[5] .. '-0')
end
if told or logged then
  redis.call('HSET', partition, 'epoch of ' .. ARGV[4], ARGV[2])
end
return {'ok', epoch(partition, ARGV[1], ARGV[4]), offset}
