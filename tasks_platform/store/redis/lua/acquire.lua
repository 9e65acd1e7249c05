-- Take a unique key if it is free.
-- KEYS  1 the unique key
-- ARGV  1 the job id that wants it   2 milliseconds it is kept
-- Returns the job id that holds the key now.
-- Atomic: of any number of callers exactly one gets its own id back, and gets it again when it asks again.
local holder = redis.call('GET', KEYS[1])
if not holder then
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
    return ARGV[1]
end
return holder
