-- Take a row out of RedBeat's table.
-- KEYS  1 the leader's lock   2 the row   3 the table   4 the names of the declared entries
-- ARGV  1 the lock of the beat that drops it   2 the entry's name   3 seconds it is remembered what was dealt with
-- Returns 1, or 0 if another beat leads.
-- Atomic, as writing it is.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
    return 0
end
redis.call('EXPIRE', KEYS[2], ARGV[3])
redis.call('ZREM', KEYS[3], KEYS[2])
redis.call('SREM', KEYS[4], ARGV[2])
return 1
