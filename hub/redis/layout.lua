-- What the store is laid out as, written if nothing is.
--
-- KEYS  1 layout
-- ARGV  1 format  2 partitions  3 a name for the store
-- Reply {format, partitions, name}; '' for all if there is none and the format given is ''

local reply = redis.pcall('HMGET', KEYS[1], 'format', 'partitions', 'name')
if reply.err then
  return {'?', '0', ''}
end
if reply[1] then
  return {reply[1], reply[2] or '0', reply[3] or ''}
end
if ARGV[1] == '' then
  return {'', '', ''}
end
redis.call('HSET', KEYS[1], 'format', ARGV[1], 'partitions', ARGV[2], 'name', ARGV[3])
return {ARGV[1], ARGV[2], ARGV[3]}
