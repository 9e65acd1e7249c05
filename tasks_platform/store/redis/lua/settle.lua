-- Remember how the holder of a unique key ended, as long as it keeps the key.
-- KEYS  1 the unique key   2 the outcome
-- ARGV  1 the holder   2 its outcome
-- Returns 1 if it was remembered, 0 if the key is no longer the caller's.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
    return 0
end
redis.call('SET', KEYS[2], ARGV[2], 'PX', math.max(1, redis.call('PTTL', KEYS[1])))
return 1
