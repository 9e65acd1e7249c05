-- Let another beat lead.
-- KEYS  1 the leader's lock
-- ARGV  1 the lock of the beat that led
-- Returns 1 if it did lead, else 0.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
    return 0
end
return redis.call('DEL', KEYS[1])
