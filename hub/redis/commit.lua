-- One step of one channel, all of it or nothing.
--
-- KEYS  1 partition  2 records  3 names  4 timers  5 due  of the partition
--       6 head  7 entries  8 log  of the channel
--       9 the command's; the head again if there is no command
--      10 refused  of the channel; the head again if the command has no problem
-- ARGV  1 a word for a new epoch
--       2 now, ms
--       3 epoch and 4 offset that must still stand, '' for any
--       5 hash of the command, '' if there is none  6 this call's own word
--       7 for how long and 8 until when the command is known, ms  9 its problem, '' if none
--      10 the message, '' if there is no event  11 the channel
--      12 PUBLISH or SPUBLISH  13 topic of the channel  14 topic of the records
--      15 size of the log  16 its oldest time, ms  17 size of the records  18 their oldest time, ms
--      19 number of expectations, each: key, version
--      20 number of entries, each: key, document ('' to remove it)
--      21 number of timers, each: member, due in ms ('' to clear it), timer
--      22 and on: those
-- Reply {'ok', epoch, offset, '1' if an event was made}
--       {'known', epoch, offset, '1' if an event was made, problem, the message if it is still there}
--       {'reused'}
--       {'conflict'}

local partition, records, names, timers, due, head, entries, log, command, refused = unpack(KEYS)
local epoch, seq, kept = epoch(partition, ARGV[1], ARGV[11]) -- kept: no record is older
-- The head is the last offset and a time that no row of the log is older than.
local offset, since = string.match(need('GET', head) or '0 0', '^(%d+) (%d+)$')
if not offset then
  error({err = 'CORRUPT ' .. head .. ': no position'})
end

-- 1. A command that is known has its answer.
if ARGV[5] ~= '' then
  local known = need('GET', command)
  if known then
    local _, at, ends, stood, made = string.find(known, '^(%d+) (%d+) ([01]) ')
    if not at or #known < at + 40 then
      error({err = 'CORRUPT ' .. command .. ': no remembered command'})
    end
    if tonumber(ends) > tonumber(ARGV[2]) then
      if string.sub(known, at + 9, at + 40) ~= ARGV[5] then
        return {'reused'}
      end
      redis.call('PEXPIRE', command, ARGV[7]) -- a write, so that whoever waits for acknowledgements waits for what stood before it
      if string.sub(known, at + 1, at + 8) == ARGV[6] then
        return {'ok', epoch, stood, made} -- sent twice on its way here
      end
      local message = ''
      if made == '1' then
        local row = need('XRANGE', log, stood, stood)[1]
        message = row and row[2][4] or ''
      end
      return {'known', epoch, stood, made, string.sub(known, at + 41), message}
    end
  end
end

-- 2. What was decided on must still stand.
if (ARGV[3] ~= '' and ARGV[3] ~= epoch) or (ARGV[4] ~= '' and ARGV[4] ~= offset) then
  return {'conflict'}
end
local expected = tonumber(ARGV[19])
for first = 1, expected, 256 do -- so many at once as Lua unpacks without a doubt
  local keys = {}
  for i = first, math.min(first + 255, expected) do
    keys[#keys + 1] = ARGV[20 + 2 * i]
  end
  for i, entry in ipairs(need('HMGET', entries, unpack(keys))) do
    local version = entry and string.match(entry, '^%d+') or '0'
    if version ~= ARGV[19 + 2 * (first + i)] then
      return {'conflict'}
    end
  end
end
local at = 22 + 2 * expected

-- 3. Store. What could fail for a key of another type is asked before the first write.
if expected == 0 then
  need('HLEN', entries)
end
if ARGV[21] ~= '0' then
  need('HLEN', timers)
  need('ZCARD', due)
end
if ARGV[9] ~= '' then
  need('ZCARD', refused)
end

local made = '0'
local message = ARGV[10]
if message ~= '' then
  made = '1'
  local before = offset
  offset = string.format('%d', tonumber(offset) + 1)
  local added = redis.pcall('XADD', log, 'MAXLEN', ARGV[15], offset .. '-0', 't', ARGV[2], 'm', message)
  if type(added) == 'table' then
    error({err = 'CORRUPT ' .. log .. ': ' .. added.err})
  end
  seq = string.format('%d', tonumber(seq) + 1)
  added = redis.pcall('XADD', records, 'MAXLEN', '~', ARGV[17], seq .. '-0', 't', ARGV[2], 'm', message, 'c', ARGV[11], 'o', offset)
  if type(added) == 'table' then -- as if nothing had been
    redis.call('XDEL', log, offset)
    redis.call('XSETID', log, before .. '-1')
    error({err = 'CORRUPT ' .. records .. ': ' .. added.err})
  end
  if tonumber(kept) < tonumber(ARGV[18]) then
    redis.call('HSET', partition, 'seq', seq, 'since', trim(records, tonumber(ARGV[18])))
  else
    redis.call('HSET', partition, 'seq', seq)
  end
  if tonumber(since) < tonumber(ARGV[16]) then
    since = trim(log, tonumber(ARGV[16]))
  end
  redis.call('SET', head, offset .. ' ' .. since)
  if offset == '1' then
    redis.call('SADD', names, ARGV[11])
  end
end
for _ = 1, tonumber(ARGV[20]) do
  if ARGV[at + 1] == '' then
    redis.call('HDEL', entries, ARGV[at])
  else
    redis.call('HSET', entries, ARGV[at], offset .. ' ' .. ARGV[at + 1])
  end
  at = at + 2
end
for _ = 1, tonumber(ARGV[21]) do
  if ARGV[at + 1] == '' then
    redis.call('HDEL', timers, ARGV[at])
    redis.call('ZREM', due, ARGV[at])
  else
    redis.call('HSET', timers, ARGV[at], ARGV[at + 2])
    redis.call('ZADD', due, ARGV[at + 1], ARGV[at])
  end
  at = at + 3
end
if ARGV[5] ~= '' then
  redis.call('SET', command, ARGV[8] .. ' ' .. offset .. ' ' .. made .. ' ' .. ARGV[6] .. ARGV[5] .. ARGV[9], 'PX', ARGV[7])
  if ARGV[9] ~= '' then -- so that it is found when the past is erased
    redis.call('ZREMRANGEBYSCORE', refused, '-inf', ARGV[2])
    redis.call('ZADD', refused, tonumber(ARGV[2]) + tonumber(ARGV[7]), command)
    if redis.call('PEXPIRE', refused, ARGV[7], 'NX') == 0 then
      redis.call('PEXPIRE', refused, ARGV[7], 'GT')
    end
  end
end

-- 4. Tell.
if made == '1' then
  redis.call(ARGV[12], ARGV[13], epoch .. ' ' .. offset .. ' ' .. message)
  redis.call(ARGV[12], ARGV[14], seq .. ' ' .. ARGV[11] .. ' ' .. epoch .. ' ' .. offset .. ' ' .. message)
end
return {'ok', epoch, offset, made}
