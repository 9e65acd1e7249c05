-- Forget claims whose messages are done with.
-- KEYS  1 workers by the end of their leases   2 what this worker has   3 those of it that nobody has begun with
-- ARGV  1 the worker   then the numbers of its claims
-- Returns how many of them it still had: the others were given to somebody else, because its lease had ended.
-- Atomic: a worker that has nothing has no lease.
local had = redis.call('HDEL', KEYS[2], unpack(ARGV, 2))
redis.call('SREM', KEYS[3], unpack(ARGV, 2))
if redis.call('EXISTS', KEYS[2]) == 0 then
    redis.call('ZREM', KEYS[1], ARGV[1])
end
return had
