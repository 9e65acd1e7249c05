-- Replace a letter's record if nobody changed it since it was read.
-- KEYS  1 the letter's hash
-- ARGV  1 the version that was read   2 the new record
-- Returns 1 if it was replaced, else 0.
if redis.call('HGET', KEYS[1], 'version') ~= ARGV[1] then
    return 0
end
redis.call('HSET', KEYS[1], 'record', ARGV[2])
redis.call('HINCRBY', KEYS[1], 'version', 1)
return 1
