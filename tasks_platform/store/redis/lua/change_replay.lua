-- Change fields of a replay, if there is such a one, and keep it from now on.
-- KEYS  1 the replay's hash   2 its items
-- ARGV  1 seconds that both are kept   2.. field, value, field, value...
-- Returns 1, or 0 if there is no such replay (half a one must not come to be).
if redis.call('HEXISTS', KEYS[1], 'record') == 0 then
    return 0
end
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
redis.call('EXPIRE', KEYS[1], ARGV[1])
redis.call('EXPIRE', KEYS[2], ARGV[1])
return 1
