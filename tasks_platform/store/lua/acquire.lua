-- Take a unique key if it is free or already the caller's.
-- KEYS  1 the unique key
-- ARGV  1 the job id that wants it   2 milliseconds it is kept unless refreshed
-- Returns the job id that holds the key now.
-- Atomic: of any number of callers exactly one gets its own id back.
local holder = redis.call('GET', KEYS[1])
if not holder or holder == ARGV[1] then
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
    return ARGV[1]
end
return holder
