-- Delete a key if it still holds the expected value.
-- KEYS  1 the key
-- ARGV  1 the expected value
-- Returns 1 if it was deleted, else 0.
if redis.call('GET', KEYS[1]) == ARGV[1] then
    return redis.call('DEL', KEYS[1])
end
return 0
