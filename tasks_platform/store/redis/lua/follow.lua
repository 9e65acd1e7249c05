-- Keep a duplicate's message until the holder of its key ends, or take the key if nobody holds it.
-- KEYS  1 the unique key   2 the hash of followers, message by job id   3 the outcome of a holder that keeps the key
--       4 the duplicate's own hash
-- ARGV  1 the duplicate's job id   2 its message   3 milliseconds the key is kept
--       4 1 if a key that is the caller's already is kept that long from now
--       5 the attempt that the message is   6 its copy, or '' if it has none
-- Returns {holder, outcome or ''}; the duplicate's own id as holder means that it may run.
-- Atomic: a holder that ends at the same moment either sees the follower or leaves it the key.
local holder = redis.call('GET', KEYS[1])
if not holder or holder == ARGV[1] then
    if not holder or ARGV[4] == '1' then
        redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
    end
    redis.call('HDEL', KEYS[2], ARGV[1])
    return {ARGV[1], ''}
end
local outcome = redis.call('GET', KEYS[3])
if outcome then
    return {holder, outcome}
end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
-- the same attempt will be sent again, as another copy
if ARGV[6] ~= '' and redis.call('HGET', KEYS[4], 'begun:' .. ARGV[5]) == ARGV[6] then
    redis.call('HDEL', KEYS[4], 'begun:' .. ARGV[5])
end
return {holder, ''}
