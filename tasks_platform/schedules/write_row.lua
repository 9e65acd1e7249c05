-- Write a row of RedBeat's table.
-- KEYS  1 the leader's lock   2 the row   3 the table   4 the names of the declared entries
-- ARGV  1 the lock of the beat that writes   2 the entry's name   3 its definition   4 its meta   5 when it comes due
-- Returns 1, or 0 if another beat leads.
-- Atomic: a beat that was frozen and does not know that its term is over sets no row back.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
    return 0
end
redis.call('HSET', KEYS[2], 'definition', ARGV[3], 'meta', ARGV[4])
redis.call('PERSIST', KEYS[2])
redis.call('ZADD', KEYS[3], ARGV[5], KEYS[2])
redis.call('SADD', KEYS[4], ARGV[2])
return 1
