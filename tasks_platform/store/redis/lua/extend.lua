-- Keep a unique key longer.
-- KEYS  1 the unique key
-- ARGV  1 the job id that holds it   2 milliseconds it is kept from now
-- Returns 1 if the key was the caller's, else 0.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
    return 0
end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
