-- What stands before the scripts that deal with channels.

-- need reads a key; one of another type is named, before anything was written.
local function need(command, key, ...)
  local reply = redis.pcall(command, key, ...)
  if type(reply) == 'table' and reply.err then
    error({err = 'CORRUPT ' .. key .. ': ' .. reply.err})
  end
  return reply
end

-- epoch is the partition's. It is bound to the master's replication history,
-- which is another one after every failover and restart: the epoch then is the
-- given new word, and base is how far the partition's log had come. A channel
-- whose past was erased is of an epoch of its own, the partition's and a word
-- behind it. With it come seq and since of the partition.
local function epoch(partition, word, channel)
  local info = redis.call('INFO', 'replication')
  local _, at = string.find(info, 'master_replid:', 1, true)
  local run = string.sub(info, at + 1, at + 40)
  local known = need('HMGET', partition, 'run', 'epoch', 'seq', 'since', 'epoch of ' .. (channel or ''))
  local current, seq = known[2], known[3] or '0'
  if known[1] ~= run or not current then
    current = word
    redis.call('HSET', partition, 'run', run, 'epoch', word, 'base', seq)
  end
  return current .. (known[5] and '-' .. known[5] or ''), seq, known[4] or '0'
end

-- standing is the offset that a channel with entries stands at.
local function standing(head)
  return string.match(need('GET', head) or '0 ', '^(%d+) ') or 'none'
end

-- plain is where a plain channel stands: its epoch, its offset, what its
-- epoch has behind the partition's, and, in a table, until when all that is
-- known (till) and until when at least the log is kept (lives), when the last
-- publication ends (ends), before when none does (first), and whether any ends
-- before one that is older (mixed). A position that has expired is forgotten,
-- which moves on the epoch of all channels of the partition without one, so
-- that no offset is used twice in an epoch.
local function plain(partition, key, log, forget, channel, now, epoch)
  local known = need('HMGET', key, 'offset', 'epoch', 'until', 'ends', 'mixed', 'first', 'lives')
  if known[1] and known[3] and tonumber(known[3]) <= now then
    redis.call('DEL', key, log)
    redis.call('ZREM', forget, channel)
    redis.call('HINCRBY', partition, 'forgot', 1)
    known = {}
  end
  local more = {till = known[3], ends = known[4], mixed = known[5], first = known[6], lives = known[7]}
  if known[1] then
    return epoch .. known[2], known[1], known[2], more
  end
  local forgot = redis.call('HGET', partition, 'forgot')
  local suffix = forgot and '-' .. forgot or ''
  return epoch .. suffix, '0', suffix, more
end

-- trim removes from a stream's front what has a time before cutoff, and
-- returns the oldest time that is left.
local function trim(stream, cutoff)
  local count = 1
  while true do
    local rows = redis.call('XRANGE', stream, '-', '+', 'COUNT', count)
    local gone, first = 0, nil
    for _, row in ipairs(rows) do
      if tonumber(row[2][2]) >= cutoff then
        first = row[1]
        break
      end
      gone = gone + 1
    end
    if gone == 0 then
      return rows[1] and rows[1][2][2]
    end
    if first then
      redis.pcall('XTRIM', stream, 'MINID', first)
      return rows[gone + 1][2][2]
    end
    local offset = string.match(rows[gone][1], '%d+')
    local reply = redis.pcall('XTRIM', stream, 'MINID', string.format('%d', tonumber(offset) + 1))
    if type(reply) == 'table' then
      return
    end
    count = 64
  end
end

-- sift removes from a plain channel's log what has expired: from the front,
-- or, if publications with different times to live are mixed, wherever it is.
-- It returns the time before which none is left that ends, if it knows one.
local function sift(mixed, log, now)
  if mixed then
    for _, row in ipairs(redis.call('XRANGE', log, '-', '+')) do
      if tonumber(row[2][2]) <= now then
        redis.pcall('XDEL', log, row[1])
      end
    end
    return
  end
  return trim(log, now + 1)
end

