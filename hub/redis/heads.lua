-- Where the logs of some channels of a partition end.
--
-- KEYS  1 partition  2 forget  of the partition
--       3 and on, for each channel: head or plain, log
-- ARGV  1 a word for a new epoch
--       2 now, ms
--       3 and on, for each channel: its name, 'entries' or 'plain'
-- Reply {epoch, offset, ...}

local epoch, heads = epoch(KEYS[1], ARGV[1]), {}
for i = 3, #KEYS, 2 do
  if ARGV[i + 1] == 'plain' then
    local at, offset = plain(KEYS[1], KEYS[i], KEYS[i + 1], KEYS[2], ARGV[i], tonumber(ARGV[2]), epoch)
    heads[#heads + 1], heads[#heads + 2] = at, offset
  else
    local own = redis.call('HGET', KEYS[1], 'epoch of ' .. ARGV[i])
    heads[#heads + 1], heads[#heads + 2] = epoch .. (own and '-' .. own or ''), standing(KEYS[i])
  end
end
return heads
