-- Record that a beat is about to send a moment of a schedule.
-- KEYS  1 the schedule's firings by moment   2 its moments by time   3 the leader's lock
-- ARGV  1 the beat's lock   2 the moment   3 its time   4 the firing as JSON   5 seconds a schedule is remembered
-- Returns 'fire', 'done' (the moment has had its end) or 'lost' (another beat leads, or none).
-- Atomic: only the leader claims; a moment that was recorded as missed is never claimed, and one that was claimed is
-- never recorded as missed.
if redis.call('GET', KEYS[3]) ~= ARGV[1] then
    return 'lost'
end
local known = redis.call('HGET', KEYS[1], ARGV[2])
if known and string.match(known, '^%a+') ~= 'sending' then
    return 'done'
end
redis.call('HSET', KEYS[1], ARGV[2], 'sending ' .. ARGV[4])
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[5])
redis.call('EXPIRE', KEYS[2], ARGV[5])
return 'fire'
