-- A publication of a plain channel: stored, and told.
--
-- KEYS  1 partition  2 forget  of the partition
--       3 plain  4 log  of the channel
--       5 the idempotency key's; the partition again if there is none
-- ARGV  1 a word for a new epoch
--       2 now, ms
--       3 the channel  4 the message  5 PUBLISH or SPUBLISH  6 topic of the channel
--       7 how many publications are kept, '0' for none  8 until when this one is, ms  9 for how long, ms
--      10 until when the position is kept, ms, '' for ever
--      11 version, 20 digits, '' for none  12 its epoch
--      13 for how long and 14 until when the idempotency key is known, ms; '' if there is none
-- Reply {epoch, offset}; both '' and '0' if nothing is kept

if ARGV[13] ~= '' then
  local known = need('GET', KEYS[5])
  if known then
    local ends, offset, epoch = string.match(known, '^(%d+) (%d+) (.*)$')
    if ends and tonumber(ends) > tonumber(ARGV[2]) then
      return {epoch, offset}
    end
  end
end

local position, offset, fresh = '', '0', true
if ARGV[7] ~= '0' then
  local suffix, more
  position, offset, suffix, more = plain(KEYS[1], KEYS[3], KEYS[4], KEYS[2], ARGV[3], tonumber(ARGV[2]), epoch(KEYS[1], ARGV[1]))
  if ARGV[11] ~= '' then
    local known = redis.call('HMGET', KEYS[3], 'version', 'version_epoch')
    fresh = not known[1] or ARGV[11] > known[1] or (ARGV[12] ~= '' and ARGV[12] ~= known[2])
  end
  if fresh then
    if not more.till then -- what could fail is asked before the first write
      need('ZCARD', KEYS[2])
    end
    local now, ends = tonumber(ARGV[2]), ARGV[8]
    -- Clocks that differ a little, and calls that overtake each other, mix nothing.
    local ahead = tonumber(more.ends or '0') - tonumber(ends)
    if ahead > 0 and ahead <= 1000 then
      ends = more.ends
    end
    offset = string.format('%d', tonumber(offset) + 1)
    local added = redis.pcall('XADD', KEYS[4], 'MAXLEN', ARGV[7], offset .. '-0', 't', ends, 'm', ARGV[4])
    if type(added) == 'table' then
      error({err = 'CORRUPT ' .. KEYS[4] .. ': ' .. added.err})
    end
    local told = {'offset', offset, 'epoch', suffix, 'ends', ends}
    local function tell(field, value)
      told[#told + 1], told[#told + 2] = field, value
    end
    if ahead > 1000 and not more.mixed then
      more.mixed = '1'
      tell('mixed', '1')
    end
    if more.mixed or tonumber(more.first or '0') <= now then
      tell('first', sift(more.mixed, KEYS[4], now) or '0')
    end
    -- The log is kept for longer than it has to be, so that not each publication puts its end off.
    local ttl = tonumber(ARGV[9])
    if tonumber(more.lives or '0') < now + ttl + 5000 then
      ttl = ttl + math.max(math.floor(ttl / 4), 10000)
      if redis.call('PEXPIRE', KEYS[4], string.format('%d', ttl), 'GT') == 0 then
        redis.call('PEXPIRE', KEYS[4], string.format('%d', ttl), 'NX')
      end
      tell('lives', string.format('%d', now + ttl))
    end
    if ARGV[10] ~= '' then
      tell('until', ARGV[10])
      if not more.till then -- later, the sweep finds that it has moved on
        redis.call('ZADD', KEYS[2], ARGV[10], ARGV[3])
      end
    elseif more.till then
      redis.call('HDEL', KEYS[3], 'until')
      redis.call('ZREM', KEYS[2], ARGV[3])
    end
    if ARGV[11] ~= '' then
      tell('version', ARGV[11])
      tell('version_epoch', ARGV[12])
    end
    redis.call('HSET', KEYS[3], unpack(told))
  end
end
if ARGV[13] ~= '' then
  redis.call('SET', KEYS[5], ARGV[14] .. ' ' .. offset .. ' ' .. position, 'PX', ARGV[13])
end
if fresh and offset ~= '0' then
  redis.call(ARGV[5], ARGV[6], position .. ' ' .. offset .. ' ' .. ARGV[4])
elseif fresh then
  redis.call(ARGV[5], ARGV[6], ' 0 ' .. ARGV[4])
end
return {position, offset}
