-- A channel's entries and where they stand.
--
-- KEYS  1 partition  2 head  3 entries
-- ARGV  1 a word for a new epoch
--       2 the channel
-- Reply {epoch, offset, {key, version and document, ...}}

local epoch = epoch(KEYS[1], ARGV[1], ARGV[2])
return {epoch, standing(KEYS[2]), need('HGETALL', KEYS[3])}
